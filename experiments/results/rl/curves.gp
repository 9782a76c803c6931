# Two pictures above each other: exactness and code length along phase two.
set terminal pngcairo size 900,900 font "sans,11"
set output folder . "/curves.png"
set datafile separator "\t"
runs = "control-1 recipe-1 awr reinforce vtrace dqn pathwise ilql actor-critic"
set multiplot layout 2,1
set key outside right
set grid
set xlabel "minutes of CPU time"
set ylabel "share of held-out chunks rebuilt from C's own z"
set yrange [0:1]
plot for [r in runs] "< grep '^" . r . "\t' " . folder . "/curves.tsv" using 2:3 with linespoints title r
set ylabel "IR tokens per byte, with fallback"
set autoscale y
plot for [r in runs] "< grep '^" . r . "\t' " . folder . "/curves.tsv" using 2:5 with linespoints notitle
unset multiplot
