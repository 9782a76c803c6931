# What z and the residual cost under three rewards: code length, residual, total.
set terminal pngcairo size 1500,500 font "sans,11"
set output folder . "/hybrid.png"
set datafile separator "\t"
runs = "hybrid-paper-32 hybrid-cost-32 hybrid-bits-32 hybrid-paper-128 hybrid-bits-128"
row(run) = "< grep '^" . run . "\t' " . folder . "/curves.tsv"
set multiplot layout 1,3
set grid
set xlabel "minutes of CPU time"
set yrange [0:*]
set key top right
set title "tokens of z per byte"
plot for [r in runs] row(r) using 2:6 with linespoints title r
unset key
set title "residual, bits per byte"
plot for [r in runs] row(r) using 2:7 with linespoints
set title "z and residual, bits per byte"
set yrange [2:*]
plot for [r in runs] row(r) using 2:8 with linespoints
unset multiplot
