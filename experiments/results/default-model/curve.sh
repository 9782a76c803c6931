#!/usr/bin/env bash
# The learning curve of a run as curve.tsv and curve.png beside this script. Needs gnuplot.
#     experiments/results/default-model/curve.sh RUN-FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
metrics=${1:?usage: curve.sh RUN-FOLDER}/metrics.jsonl

# Training loss in bits per byte as means of 100 steps, then the held-out figures where there are some.
awk '
    function value(key) { return match($0, "\"" key "\": [-+.0-9e]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) : "" }
    BEGIN { print "step\ttraining_bits_per_byte\theld_out_bits_per_byte" }
    value("decompressor_loss") != "" { step = value("step"); sum += value("decompressor_loss"); n++ }
    value("held_out_residual_bits_per_byte") != "" { printf "%d\t\t%.4f\n", step, value("held_out_residual_bits_per_byte") }
    n == 100 { printf "%d\t%.4f\t\n", step, sum / n / log(2); sum = n = 0 }
' "$metrics" >"$here/curve.tsv"
gnuplot <<END
set terminal pngcairo size 900,520 font "sans,11"
set output "$here/curve.png"
set datafile separator "\t"
set grid
set xlabel "steps of 16 chunks of 512 bytes"
set ylabel "bits per byte, the decompressor alone"
set yrange [1:4]
plot "$here/curve.tsv" using 1:2 with lines title "training, means of 100 steps", "" using 1:3 with linespoints title "held out, each chunk from nothing"
END
