#!/usr/bin/env bash
# The figures that picture.gp draws, figures.tsv, on stdout: every level on the held-out ends of the training texts,
# levels 1 and 3 on the logs of loghub, the baselines on both; each set summed over its files, memory the largest.
#     experiments/results/codec/figures.sh MODEL.h5 [ARGUMENT OF run.sh...] >experiments/results/codec/figures.tsv
# Takes some 15 minutes of an idle machine with two cores. run.sh says where the texts are looked for.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${TMPDIR:-/tmp}/laconic-figures-$$
trap 'rm -rf "$out"' EXIT

"$here/run.sh" "$@" --quantisation no --only .end --modes auto --levels 1,2,3,4,5,6,7,8,9 -o "$out/texts" >&2
"$here/run.sh" "$@" --quantisation no --only .log --modes auto --levels 1,3 -o "$out/logs" >&2

# sum SET: the lines of its results.jsonl, added up per program and level.
sum() {
    awk -v set="$1" '
        function member(key) {
            if (!match($0, "\"" key "\": \"?[^\",}]*"))
                return ""
            text = substr($0, RSTART, RLENGTH)
            sub(/^[^:]*: "?/, "", text)
            return text
        }
        function larger(a, b) { return a > b ? a : b }
        {
            program = member("program")
            options = program == "laconic" ? "-" member("level") : substr(program, index(program, " ") + 1)
            sub(/ .*/, "", program)
            row = program "\t" options
            if (!(row in content))
                order[++rows] = row
            content[row] += member("bytes")
            archive[row] += member("archive_bytes")
            compress[row] += member("compress_seconds")
            decompress[row] += member("decompress_seconds")
            compress_mib[row] = larger(compress_mib[row], member("compress_peak_mib") + 0)
            decompress_mib[row] = larger(decompress_mib[row], member("decompress_peak_mib") + 0)
        }
        END {
            for (i = 1; i <= rows; i++) {
                row = order[i]
                printf "%s\t%s\t%.3f\t%.1f\t%.1f\t%.0f\t%.0f\n", set, row, 8 * archive[row] / content[row],
                    content[row] / compress[row] / 1000, content[row] / decompress[row] / 1000,
                    compress_mib[row], decompress_mib[row]
            }
        }' "$out/$2/results.jsonl"
}

printf 'texts\tprogram\toptions\tbits_per_byte\tcompress_kb_per_s\tdecompress_kb_per_s\tcompress_mib\tdecompress_mib\n'
sum 'held-out texts' texts
sum 'logs' logs
