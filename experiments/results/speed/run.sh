#!/usr/bin/env bash
# Speed beside the peer, the same T5 work in PyTorch (peers/torch_t5.py): laconic and the peer run in turn, each times
# itself, and the ratio is taken pair by pair, so that what else the machine does hits both.
#   experiments/results/speed/run.sh [--repeat N] [--pairs N] [--only PATTERN] [--build DIR] [-o DIR]
# LACONIC_SHARED=DIR names the folder with peers/ (default: shared/ beside this repository). Writes results.tsv (a line
# per pair) and results.md (a line per work) into DIR, runs/speed by default.
set -euo pipefail
cd "$(dirname "$0")/../../.."

# work, model, precision (best: whichever is faster, each side its own), rows, source tokens, target tokens
works="train    t5-small bf16 16  128 128
train    t5-small fp32 16  128 128
train    byte-8m  bf16 32  256 128
train    byte-1m  bf16 32  64  64
generate t5-small bf16 64  128 64
generate byte-8m  bf16 64  256 128
generate byte-1m  best 256 64  48"

repeat=5 pairs=5 only='' build=build out=runs/speed
python=/usr/bin/python3
peer=${LACONIC_SHARED:-../shared}/peers/torch_t5.py
threads=$(nproc)

say() { printf '%s\n' "$*"; }
wrong() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 2
}

parse() {
    while [ $# -gt 0 ]; do
        [ $# -gt 1 ] || wrong "unknown argument '$1', or its value is missing (see the first lines of run.sh)"
        case $1 in
        --repeat) repeat=$2 ;;
        --pairs) pairs=$2 ;;
        --only) only=$2 ;;
        --build) build=$2 ;;
        -o | --output) out=$2 ;;
        *) wrong "unknown argument '$1' (see the first lines of run.sh)" ;;
        esac
        shift 2
    done
    [[ $repeat =~ ^[1-9][0-9]*$ && $pairs =~ ^[1-9][0-9]*$ ]] || wrong "--repeat and --pairs want a number above 0"
}

# The number KEY in the JSON line on stdin.
number() { sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p"; }

# Of the numbers on stdin, one a line.
median() { sort -g | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }

calculate() { awk "BEGIN { printf \"$1\", ($2) }"; }
is_less() { [ "$(calculate %d "$1 < $2")" = 1 ]; }

# What OPENBLAS_CORETYPE may say for the peer's products, likely the fastest first: OpenBLAS's own detection falls
# short on some CPUs.
core_types() {
    {
        ! grep -qw avx512bw /proc/cpuinfo || echo SKYLAKEX
        ! grep -qw avx2 /proc/cpuinfo || echo HASWELL
        [ -z "${OPENBLAS_CORETYPE:-}" ] || echo "$OPENBLAS_CORETYPE"
        echo unset
    } | awk '!seen[toupper($0)]++'
}

precisions() { if [ "$1" = best ]; then echo "fp32 bf16"; else echo "$1"; fi; }

# run_ours PRECISION REPEAT, run_peer PRECISION REPEAT CORE-TYPE: the JSON line; what fails says why in the log. The
# peer may take `limit` seconds.
limit=3600
run_ours() {
    "$build/laconic" bench "$work" --model "$model" --precision "$1" --batch "$batch" --src "$src" --tgt "$tgt" \
        --threads "$threads" --repeat "$2" --json --quiet 2>>"$out/log" | tail -n 1
}
run_peer() {
    local core=(-u OPENBLAS_CORETYPE)
    [ "$3" = unset ] || core=("OPENBLAS_CORETYPE=$3")
    timeout "$limit" env "${core[@]}" "$python" "$peer" "$work" --model "$model" --dtype "$1" --batch "$batch" --src "$src" \
        --tgt "$tgt" --threads "$threads" --repeat "$2" 2>>"$out/log" | tail -n 1
}

# The fastest way for each side, from a run of each: sets ours_precision, peer_precision and peer_core. A way that
# takes far longer than another is not waited for.
choose() {
    local best='' seconds precision core limit=$limit begin
    ours_precision=''
    for precision in $(precisions "$wanted"); do
        seconds=$(run_ours "$precision" 1 | number seconds) || continue
        [ -z "$best" ] || is_less "$seconds" "$best" || continue
        best=$seconds ours_precision=$precision
    done
    [ -n "$ours_precision" ] || return
    best='' peer_core=''
    for precision in $(precisions "$wanted"); do
        for core in $(core_types); do
            begin=$SECONDS
            seconds=$(run_peer "$precision" 1 "$core" | number seconds) || {
                say "    the peer in $precision, OPENBLAS_CORETYPE $core: no result within $limit s"
                continue
            }
            say "    the peer in $precision, OPENBLAS_CORETYPE $core: $seconds s"
            [ -z "$best" ] || is_less "$seconds" "$best" || continue
            best=$seconds peer_precision=$precision peer_core=$core limit=$((2 * (SECONDS - begin) + 5))
        done
    done
    [ -n "$peer_core" ]
}

# One work: its pairs into results.tsv, its medians into results.md.
compare() {
    local pair ours theirs rows=$out/pairs
    say "$work $model $wanted, $batch x ($src + $tgt) tokens, $threads threads"
    choose || {
        say "    skipped: $(tail -n 1 "$out/log")"
        return 0
    }
    : >"$rows"
    for ((pair = 1; pair <= pairs; pair++)); do
        ours=$(run_ours "$ours_precision" "$repeat") && theirs=$(run_peer "$peer_precision" "$repeat" "$peer_core") || {
            say "    ended early: $(tail -n 1 "$out/log")"
            return 0
        }
        printf '%s\t%s\t%s\t%s\n' "$(number seconds <<<"$ours")" "$(number seconds <<<"$theirs")" \
            "$(number peak_rss_mib <<<"$ours")" "$(number peak_rss_mib <<<"$theirs")" |
            awk -v OFS='\t' '{ print $1, $2, $2 / $1, $3, $4 }' | tee -a "$rows" |
            awk -v pair="$pair" '{ printf "    pair %d: laconic %.4f s, peer %.4f s, %.2f times as fast\n", pair, $1, $2, $3 }'
    done
    awk -v OFS='\t' -v work="$work	$model	$batch	$src	$tgt	$threads	$ours_precision	$peer_precision	$peer_core" \
        '{ print work, NR, $0 }' "$rows" >>"$out/results.tsv"
    summarise "$rows"
    rm -f "$rows"
}

# A line of the table from the pairs in a file.
summarise() {
    local ours theirs ratio ours_mib peer_mib ratios
    ours=$(cut -f1 "$1" | median) theirs=$(cut -f2 "$1" | median) ratio=$(cut -f3 "$1" | median)
    ours_mib=$(cut -f4 "$1" | median) peer_mib=$(cut -f5 "$1" | median)
    ratios=$(cut -f3 "$1" | awk '{ printf "%s%.2f", (NR > 1 ? " " : ""), $1 }')
    printf '| %s %s, %s x (%s + %s) | %s | %s, %s | %.4f | %.4f | %.2f | %s | %.0f | %.0f | %.2f |\n' "$work" "$model" \
        "$batch" "$src" "$tgt" "$ours_precision" "$peer_precision" "$peer_core" "$ours" "$theirs" "$ratio" "$ratios" \
        "$ours_mib" "$peer_mib" "$(calculate %.4f "$ours_mib / $peer_mib")" | tee -a "$out/results.md"
}

begin_results() {
    printf 'work\tmodel\tbatch\tsrc\ttgt\tthreads\tlaconic_precision\tpeer_precision\tpeer_coretype\tpair\t' >"$out/results.tsv"
    printf 'laconic_seconds\tpeer_seconds\tratio\tlaconic_mib\tpeer_mib\n' >>"$out/results.tsv"
    {
        say "$("$build/laconic" --version) beside torch $("$python" -c 'import torch; print(torch.__version__)')," \
            "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $threads threads, load" \
            "$(cut -d' ' -f1 /proc/loadavg) at the start. Medians of $pairs pairs, each the median of $repeat runs."
        say "The peer got the OPENBLAS_CORETYPE that was fastest for it; the rest of the environment as it was:" \
            "$(env | grep -E '^(OPENBLAS|OMP|MKL|DNNL|ONEDNN|KMP)_' | grep -v '^OPENBLAS_CORETYPE=' | sort | paste -sd' ' |
                sed 's/^$/nothing set/')."
        say
        say '| work | laconic in | peer in, OPENBLAS_CORETYPE | laconic, s | peer, s | times as fast | of each pair |' \
            'laconic, MiB | peer, MiB | memory, of the peer'\''s |'
        say '|---|---|---|---|---|---|---|---|---|---|'
    } | tee "$out/results.md"
}

parse "$@"
[ -x "$build/laconic" ] || wrong "there is no $build/laconic; build first, or say where with --build DIR"
[ -f "$peer" ] || {
    say "skipped: the peer is not there ($peer); LACONIC_SHARED names the folder with peers/torch_t5.py"
    exit 0
}
"$python" -c 'import torch' 2>/dev/null || {
    say "skipped: $python has no torch; on Debian: apt-get install python3-torch"
    exit 0
}
mkdir -p "$out"
: >"$out/log"
is_less "$(cut -d' ' -f1 /proc/loadavg)" 0.5 ||
    say "The machine is busy with other work: threads that wait for each other suffer most, so repeat this when it is idle."
begin_results
while read -r work model wanted batch src tgt; do
    [[ "$work $model $wanted" == *$only* ]] || continue
    compare </dev/null
done <<<"$works"
rm -f "$out/log"
