# Size against speed, docs/pictures/size-and-speed.svg, from figures.tsv. From the top of the repository:
#     gnuplot experiments/results/codec/picture.gp
set terminal svg size 860, 400 font "sans-serif,13" background "#ffffff"
set output "docs/pictures/size-and-speed.svg"
set datafile separator "\t"
figures = "experiments/results/codec/figures.tsv"
laconic = "< grep -v '^logs' " . figures . " | grep '\tlaconic\t'"
others = "< tail -n +2 " . figures . " | grep -v '^logs' | grep -v '\tlaconic\t'"
name(program, options, wanted) = strstrt(wanted, program) ? program . " " . options : ""
level(options, wanted) = options eq wanted ? "laconic " . options : ""
set logscale x
set format x "%'.0f"
set grid
set xrange [3:700000]
set yrange [1.4:3.1]
unset key
set multiplot layout 1, 2
set ylabel "bits per byte (less is better)"
do for [column = 5:6] {
    set xlabel column == 5 ? "compressing, kB/s" : "decompressing, kB/s"
    plot laconic using column:4 with linespoints pointtype 7 pointsize 0.6 linewidth 2 linecolor "#c02020", \
         "" using column:4:(level(strcol(3), "-1")) with labels right offset -0.8, 0.2 textcolor "#c02020", \
         "" using column:4:(level(strcol(3), "-3")) with labels left offset 0.8, -0.1 textcolor "#c02020", \
         "" using column:4:(level(strcol(3), "-9")) with labels left offset -1, -0.8 textcolor "#c02020", \
         others using column:4 with points pointtype 7 pointsize 0.6 linecolor "#2050a0", \
         "" using column:4:(name(strcol(2), strcol(3), "gzip zstd brotli")) with labels right offset -0.6, 0.5 textcolor "#2050a0", \
         "" using column:4:(name(strcol(2), strcol(3), "xz zpaq")) with labels right offset -0.8, -0.1 textcolor "#2050a0", \
         "" using column:4:(name(strcol(2), strcol(3), "bzip2")) with labels left offset 0.6, -0.5 textcolor "#2050a0"
    unset ylabel
}
