# Both curves of curves.tsv, and their difference below.
set terminal pngcairo size 1000, 720 font "sans,11"
set output here . "/curves.png"
set datafile separator "\t"
set key autotitle columnhead
set grid
set multiplot layout 2, 1
set title "byte-8m, phase one: loss in float32 and bf16 (same data, same seed)"
set ylabel "nats per token"
set logscale y
plot here . "/curves.tsv" using 1:2 with lines lw 2 title "C float32", "" using 1:3 with lines lw 2 dt 2 title "C bf16", \
     "" using 1:4 with lines lw 2 title "D float32", "" using 1:5 with lines lw 2 dt 2 title "D bf16"
unset logscale y
set title "bf16 minus float32"
set xlabel "step"
plot here . "/curves.tsv" using 1:($3-$2) with lines title "C", "" using 1:($5-$4) with lines title "D", 0 with lines lc "gray" notitle
