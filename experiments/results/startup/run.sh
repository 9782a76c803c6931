#!/usr/bin/env bash
# What starting costs: time and memory of small work, runs of one pattern, sizes of ordinary files.
#     experiments/results/startup/run.sh [BUILD-FOLDER [OTHER-BUILD-FOLDER]]
# With a second build every measurement is taken of both in turn. Writes to standard output. Corpora are looked for in
# $LACONIC_SHARED/data, by default ../shared/data. Instructions are counted where valgrind is installed.
set -eu
cd "$(dirname "$0")/../../.."
data=$(realpath "${LACONIC_SHARED:-../shared}/data")
export LACONIC_MODELS=$PWD/infer/models
builds=("${1:-build}" "${@:2}")
for i in "${!builds[@]}"; do builds[i]=$(realpath "${builds[i]}"); done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# measure WHAT ARGUMENT...: seconds of the processor and peak memory, of each build in turn.
measure() {
    local what=$1 build
    shift
    for build in "${builds[@]}"; do
        /usr/bin/time -f "$what | $build | %U + %S s | %M KiB" "$build/laconic-infer" "$@" >/dev/null
    done
}

# count WHAT ARGUMENT...: instructions with AVX2.
count() {
    local what=$1 build
    shift
    command -v valgrind >/dev/null || return 0
    for build in "${builds[@]}"; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$build/laconic-infer" "$@" 2>&1 >/dev/null |
            sed -n "s#.*refs: *#$what | $build | #p"
    done
}

: >empty
head -c 20000 "$data/dickens" >text
yes "2026-01-01 00:00:00 INFO the same line again and again, with some words" | head -c 20000000 >line
mkdir small
for ((i = 0; i < 1000; i++)); do tail -c +$((60 * i + 1)) "$data/dickens" | head -c 60 >"small/$i"; done
"${builds[0]}/laconic-infer" compress -q -o text.lcn text

measure "nothing, -1" compress -q -1 -T 1 -c empty
measure "nothing, -3" compress -q -3 -T 1 -c empty
measure "20 kB, -1" compress -q -1 -T 1 -c text
measure "20 kB, -3" compress -q -3 -T 1 -c text
measure "20 kB, decompress" decompress -q -T 1 -c text.lcn
measure "1,000 files of 60 bytes, -3" compress -q -T 1 -f small/*[0-9]
count "nothing, -1" compress -q -1 -T 1 --cpu avx2 -c empty
count "nothing, -3" compress -q -3 -T 1 --cpu avx2 -c empty

# A build that hands such blocks to models takes minutes for these.
time "${builds[0]}/laconic-infer" compress -q -f -o line.lcn line
"${builds[0]}/laconic-infer" decompress -q -c line.lcn | cmp - line
wc -c line.lcn
