#!/usr/bin/env bash
# Size, speed and memory of the codec on text that the model has not seen, beside other compressors.
#   experiments/results/codec/run.sh MODEL.h5 [--modes LIST] [--levels LIST] [--only PATTERN] [--threads N] [--quantisation no] [--build DIR] [-o DIR]
# The corpora (enwik8.first3600000, dickens, silesia-xml, bible.txt, world192.txt, canterbury/, loghub/) are looked for in
# $LACONIC_SHARED/data, by default ../shared/data; what is absent is left out. Writes held-out files, results.jsonl
# (bench codec --json), quantisation.jsonl (8 bits beside float32, which takes longer than the rest) and results.md into DIR,
# runs/codec by default.
set -euo pipefail
cd "$(dirname "$0")/../../.."

modes=auto,lm levels=1,3,6,9 only='' threads=0 quantisation=yes build=build out=runs/codec model=''
data=${LACONIC_SHARED:-../shared}/data

say() { printf '%s\n' "$*"; }
wrong() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 2
}

parse() {
    [[ ${1:--} != -* ]] || wrong "which model? Its path comes first (see the first lines of run.sh)"
    model=$1
    shift
    while [ $# -gt 0 ]; do
        [ $# -gt 1 ] || wrong "unknown argument '$1', or its value is missing (see the first lines of run.sh)"
        case $1 in
        --modes) modes=$2 ;;
        --levels) levels=$2 ;;
        --only) only=$2 ;;
        --threads) threads=$2 ;;
        --quantisation) quantisation=$2 ;;
        --build) build=$2 ;;
        -o | --output) out=$2 ;;
        *) wrong "unknown argument '$1' (see the first lines of run.sh)" ;;
        esac
        shift 2
    done
}

# take CORPUS NAME SKIP COUNT: those bytes of a corpus become a file to measure.
take() {
    [[ $2 == *$only* ]] || return 0
    [ -f "$data/$1" ] || {
        say "left out: $2, as $data/$1 is not there"
        return 0
    }
    tail -c "+$(($3 + 1))" "$data/$1" | head -c "$4" >"$out/files/$2" || [ -s "$out/files/$2" ]
    files+=("$out/files/$2")
}

# The last 2 % of a corpus, which training leaves out.
take_end() {
    local size=0 kept
    [ ! -f "$data/$1" ] || size=$(stat -c %s "$data/$1")
    kept=$((size / 50))
    take "$1" "$1.end" $((size - kept)) "$kept"
}

collect() {
    local file
    files=()
    take_end enwik8.first3600000
    # 554 kB is a size that others quote; 98 % of this slice was in training, so it is for comparing speed only
    take enwik8.first3600000 enwik8.554k 0 554000
    for file in dickens silesia-xml bible.txt world192.txt; do take_end $file; done
    for file in alice29.txt asyoulik.txt cp.html fields.c grammar.lsp kennedy.xls lcet10.txt plrabn12.txt ptt5 sum xargs.1; do
        take canterbury/$file $file 0 "$(stat -c %s "$data/canterbury/$file" 2>/dev/null || echo 0)"
    done
    # real logs, which no model was trained on
    for file in "$data"/loghub/*.log; do
        [ ! -f "$file" ] || take "loghub/${file##*/}" "${file##*/}" 0 "$(stat -c %s "$file")"
    done
}

bench() { "$build/laconic" bench codec -m "$model" -T "$threads" --modes "$modes" --levels "$levels" --baselines --json "$1"; }

# A member of the JSON line on stdin.
member() { sed -nE "s/.*\"$1\": \"?([^\",}]*).*/\\1/p"; }

row() {
    local line=$1 name
    name=$(member program <<<"$line")
    [ "$name" != laconic ] || name="laconic $(member mode <<<"$line") $(member level <<<"$line")"
    printf '| %s | %s | %.3f | %.1f | %.1f | %.0f | %.0f | %s |\n' "$name" "$(member archive_bytes <<<"$line")" \
        "$(member bits_per_byte <<<"$line")" "$(member compress_kb_per_s <<<"$line")" \
        "$(member decompress_kb_per_s <<<"$line")" "$(member compress_peak_mib <<<"$line")" \
        "$(member decompress_peak_mib <<<"$line")" "$(member exact <<<"$line")"
}

measure() {
    local line
    say
    say "### $(basename "$1"), $(stat -c %s "$1") bytes"
    say
    say '| program | bytes | bits per byte | compress, kB/s | decompress, kB/s | compress, MiB | decompress, MiB | exact |'
    say '|---|---|---|---|---|---|---|---|'
    bench "$1" | tee -a "$out/results.jsonl" | while read -r line; do row "$line"; done
    [ "$quantisation" = yes ] || return 0
    "$build/laconic" evaluate -q -m "$model" --quantisation --json "$1" >>"$out/quantisation.jsonl" ||
        say "no figures of 8 bits beside float32 for $1" >&2
}

parse "$@"
[ -x "$build/laconic" ] || wrong "there is no $build/laconic; build first, or say where with --build DIR"
[ -f "$model" ] || wrong "there is no $model"
mkdir -p "$out/files"
: >"$out/results.jsonl"
: >"$out/quantisation.jsonl"
collect
[ ${#files[@]} -gt 0 ] || {
    say "skipped: no corpus in $data; LACONIC_SHARED names the folder with data/"
    exit 0
}
{
    say "$("$build/laconic" --version), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, load" \
        "$(cut -d' ' -f1 /proc/loadavg) at the start; model $(basename "$model"), $(stat -c %s "$model") bytes"
    for file in "${files[@]}"; do measure "$file"; done
} | tee "$out/results.md"
