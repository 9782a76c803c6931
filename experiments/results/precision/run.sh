#!/usr/bin/env bash
# Trains byte-8m on the same data with the same seed, 2,000 steps of warm start each: in float32 and in bf16, and in both
# again with AdamW's epsilon a thousandth larger, which shows how far rounding alone drives two runs apart. Draws the loss
# curves. Needs a build and Debian's package gnuplot-nox; runs that are there already are not repeated.
#   experiments/results/precision/run.sh enwik8.first3600000 [OUTPUT-FOLDER]
set -euo pipefail
text=$(realpath -- "${1:?usage: run.sh TEXT [OUTPUT-FOLDER]}")
out=$(realpath -m -- "${2:-runs/precision}")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."
runs='fp32 bf16 fp32-again bf16-again'
mkdir -p "$out"

train() {
    build/laconic train configs/quickstart.json --data "$out/data.h5" -o "$out/$1" --set precision="$2" \
        --set optimizer.epsilon="$3" --set model=byte-8m --set minutes=0 --set batch.rows=32 --set rl.steps=0 \
        --set supervised.steps=2000 --set supervised.compressor_rate=1e-3 --set supervised.decompressor_rate=1e-3
}

[ -f "$out/data.h5" ] || build/laconic data make "$text" --tokenizer bytes --chunk 32 --split 97,1,2 -o "$out/data.h5"
[ -f "$out/fp32/checkpoint.h5" ] || train fp32 fp32 1e-8
[ -f "$out/bf16/checkpoint.h5" ] || train bf16 bf16 1e-8
[ -f "$out/fp32-again/checkpoint.h5" ] || train fp32-again fp32 1.001e-8
[ -f "$out/bf16-again/checkpoint.h5" ] || train bf16-again bf16 1.001e-8

# curves.tsv: step, C's loss in the four runs, D's; means over 20 steps.
column() {
    grep '"compressor_loss"' "$out/$2/metrics.jsonl" |
        sed -n "s/.*\"step\": *\([0-9]*\),.*\"$1\": *\([-0-9.e+]*\).*/\1 \2/p" |
        awk '{ sum += $2 } NR % 20 == 0 { print $1, sum / 20; sum = 0 }' >"$out/$1.$2"
}
for loss in compressor_loss decompressor_loss; do
    for run in $runs; do column $loss "$run"; done
done
{
    printf 'step'
    for model in C D; do for run in $runs; do printf '\t%s_%s' $model "$run"; done; done
    echo
    paste -d ' ' "$out"/{compressor,decompressor}_loss.{fp32,bf16,fp32-again,bf16-again} |
        awk -v OFS='\t' '{ print $1, $2, $4, $6, $8, $10, $12, $14, $16 }'
} >"$here/curves.tsv"
for run in $runs; do
    grep held_out_exact_match "$out/$run/metrics.jsonl" | sed "s/^/$run /"
done >"$here/held-out.txt"
gnuplot -e "here='$here'" "$here/curves.gp"

awk -F '\t' 'function tell(name, c, d) { printf "%s: C %+.3f, D %+.3f nats per token\n", name, c / n, d / n }
    NR > 51 { n++; for (i = 3; i <= 5; i++) { c[i] += $i - $2; d[i] += $(i + 4) - $6 } }
    END { print "means over the second half, less the first float32 run"; tell("bf16", c[3], d[3]); tell("float32 again", c[4], d[4])
          tell("bf16 again", c[5], d[5]) }' "$here/curves.tsv"
