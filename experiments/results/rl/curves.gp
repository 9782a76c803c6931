# Exact-match rate and code length along the rl stage of byte-1m.
set terminal pngcairo size 1500,560 font "sans,11"
set output folder . "/curves.png"
set datafile separator "\t"
runs = "baseline-1 expert-1 long-expert awr ppo vtrace dqn hold-dqn pcl ilql a2c"
row(run) = "< grep '^" . run . "\t' " . folder . "/curves.tsv"
set multiplot layout 1,2
set grid
set xlabel "minutes of CPU time"
set xrange [0:30]
set key bottom right
set ylabel "exact-match rate of held-out chunks, C's own z"
set yrange [0.5:1]
plot for [i = 1:words(runs)] row(word(runs, i)) using 2:3 with linespoints linetype i pointsize 0.7 title word(runs, i)
unset key
set ylabel "IR tokens per byte, with fallback"
set autoscale y
plot for [i = 1:words(runs)] row(word(runs, i)) using 2:5 with linespoints linetype i pointsize 0.7
unset multiplot
