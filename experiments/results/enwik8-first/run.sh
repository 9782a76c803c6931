#!/usr/bin/env bash
# Repeats the first recorded run: trains on the first 98 % of an enwik8 prefix for 15 minutes, measures the last 2 %
# before and after reinforcement, and after as many minutes more of the supervised warm start instead (the baseline), and sends every
# Canterbury file there and back. Needs a build and Debian's package `time`.
#   experiments/results/enwik8-first/run.sh enwik8.first3600000 [CANTERBURY-FOLDER] [OUTPUT-FOLDER]
set -euo pipefail
text=$(realpath -- "${1:?usage: run.sh TEXT [CANTERBURY-FOLDER] [OUTPUT-FOLDER]}")
canterbury=${2:+$(realpath -- "$2")}
out=$(realpath -m -- "${3:-runs/enwik8-first}")
cd "$(dirname "$0")/../../.."
laconic=build/laconic
mkdir -p "$out"

$laconic data make "$text" --tokenizer bytes --chunk 32 --split 97,1,2 -o "$out/data.h5"
tail -c $(($(stat -c %s -- "$text") / 50)) -- "$text" >"$out/heldout"

/usr/bin/time -v -o "$out/train.time" \
    $laconic train configs/enwik8-first.json --data "$out/data.h5" -o "$out/run"
/usr/bin/time -v -o "$out/baseline.time" \
    $laconic train configs/enwik8-first.json --data "$out/data.h5" -o "$out/baseline" --from "$out/run/supervised.h5" \
    --set rl.steps=0 --set supervised.compressor_rate=5e-4 --set supervised.decompressor_rate=3e-4 --max-minutes 4.35

for model in run/supervised run/checkpoint run/best baseline/checkpoint; do
    $laconic evaluate -m "$out/$model.h5" --mode ir --json "$out/heldout" | tee "$out/${model//\//-}.json"
done
$laconic experiment compare -m "$out/run/best.h5" "$out/heldout" | tee "$out/compare.txt"

[ -n "$canterbury" ] || exit 0
for file in "$canterbury"/*; do
    archive=$out/canterbury.lcn
    $laconic compress -q -f -m "$out/run/best.h5" --mode ir -o "$archive" "$file"
    $laconic test -q -m "$out/run/best.h5" "$archive"
    $laconic decompress -q -m "$out/run/best.h5" -c "$archive" | cmp - "$file"
    printf '%-22s %9d %9d\n' "${file##*/}" "$(stat -c %s -- "$file")" "$(stat -c %s -- "$archive")"
done | tee "$out/canterbury.txt"
