# The curves of curves.tsv, and how far two of the runs are from the first.
set terminal pngcairo size 1000, 760 font "sans,11"
set output here . "/curves.png"
set datafile separator "\t"
set grid
set multiplot layout 2, 1
set title "byte-8m, supervised warm start: loss in float32 and bf16 (same data, same seed)"
set ylabel "nats per token"
set logscale y
set key bottom left
plot here . "/curves.tsv" skip 1 using 1:2 with lines lw 2 title "C float32", "" skip 1 using 1:3 with lines lw 2 dt 2 title "C bf16", \
     "" skip 1 using 1:6 with lines lw 2 title "D float32", "" skip 1 using 1:7 with lines lw 2 dt 2 title "D bf16"
unset logscale y
set title "less the first float32 run"
set xlabel "step"
plot here . "/curves.tsv" skip 1 using 1:($3-$2) with lines lc 1 lw 2 title "C bf16", "" skip 1 using 1:($5-$2) with lines lc 1 lw 1 title "C bf16 again", \
     "" skip 1 using 1:($4-$2) with lines lc 1 lw 2 dt 3 title "C float32 again", "" skip 1 using 1:($7-$6) with lines lc 2 lw 2 title "D bf16", \
     "" skip 1 using 1:($9-$6) with lines lc 2 lw 1 title "D bf16 again", "" skip 1 using 1:($8-$6) with lines lc 2 lw 2 dt 3 title "D float32 again"
