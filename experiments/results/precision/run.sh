#!/usr/bin/env bash
# Trains byte-8m twice on the same data with the same seed, in float32 and in bf16, 2,000 steps of phase one each, and
# draws both loss curves. Needs a build and Debian's package gnuplot-nox.
#   experiments/results/precision/run.sh enwik8.first3600000 [OUTPUT-FOLDER]
set -euo pipefail
text=$(realpath -- "${1:?usage: run.sh TEXT [OUTPUT-FOLDER]}")
out=$(realpath -m -- "${2:-runs/precision}")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."
laconic=build/laconic
mkdir -p "$out"

[ -f "$out/data.h5" ] || $laconic data make "$text" --tokenizer bytes --chunk 32 --split 97,1,2 -o "$out/data.h5"
for precision in fp32 bf16; do
    $laconic train configs/quickstart.json --data "$out/data.h5" -o "$out/$precision" --set precision=$precision \
        --set model=byte-8m --set minutes=0 --set batch.rows=32 --set supervised.steps=2000 --set rl.steps=0 \
        --set supervised.compressor_rate=1e-3 --set supervised.decompressor_rate=1e-3
done

# step, C's loss in float32 and bf16, D's in both: means over 20 steps
field() { sed -n "s/.*\"step\": *\([0-9]*\).*\"$1\": *\([-0-9.e+]*\).*/\1 \2/p" "$2"; }
mean() { awk '{ sum += $2 } NR % 20 == 0 { print $1, sum / 20; sum = 0 }'; }
for name in compressor_loss decompressor_loss; do
    for precision in fp32 bf16; do
        field "$name" "$out/$precision/metrics.jsonl" | mean >"$out/$name.$precision"
    done
done
{
    printf 'step\tC_fp32\tC_bf16\tD_fp32\tD_bf16\n'
    paste -d ' ' "$out"/compressor_loss.{fp32,bf16} "$out"/decompressor_loss.{fp32,bf16} |
        awk -v OFS='\t' '{ print $1, $2, $4, $6, $8 }'
} >"$here/curves.tsv"
for precision in fp32 bf16; do
    grep held_out_exact "$out/$precision/metrics.jsonl" | sed "s/^/$precision /"
done >"$here/held-out.txt"
gnuplot -e "here='$here'" "$here/curves.gp"
awk -F '\t' 'NR > 1 { c = $3 - $2; d = $5 - $4; sc += c; sd += d; vc += c * c; vd += d * d; n++ }
    END { printf "bf16 - fp32, means of 20 steps: C %+.5f (deviation %.5f), D %+.5f (deviation %.5f) nats per token\n",
          sc / n, sqrt(vc / n - (sc / n) ^ 2), sd / n, sqrt(vd / n - (sd / n) ^ 2) }' "$here/curves.tsv"
