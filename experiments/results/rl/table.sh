#!/usr/bin/env bash
# Prints the figures of finished runs (run.sh): one line per run, and mean and 95 % interval (Student's t) over seeds.
#     experiments/results/rl/table.sh OUTPUT-FOLDER
set -euo pipefail
cd "${1:?usage: table.sh OUTPUT-FOLDER}"

keys=(held_out_exact_match held_out_exact_match_fallback held_out_tokens_per_byte held_out_tokens_per_byte_fallback
    held_out_residual_bits_per_byte held_out_bits_per_byte held_out_total_bits_per_byte search_exact_match search_tokens_per_byte)

# last KEY FILE: the last value of a column, also where an earlier version called it exact instead of exact_match.
last() { sed -nE "s/.*\"(${1}|${1/_match/})\": ([-+.0-9e]*).*/\2/p" "$2" | tail -n 1; }

line() {
    printf '%s' "$1"
    for key in "${keys[@]}"; do printf '\t%s' "$(last "$key" "$1/metrics.jsonl")"; done
    printf '\n'
}

{
    printf 'run'
    printf '\t%s' "${keys[@]}"
    printf '\n'
    for run in */finished; do line "${run%/finished}"; done
} | tee figures.tsv

# Seeds of one kind of run are NAME-1, NAME-2, NAME-3.
printf '\nmeans over seeds, +- half of the 95 %% interval\n'
awk -F'\t' '
    NR == 1 { for (i = 2; i <= NF; i++) name[i] = $i; columns = NF; next }
    $1 ~ /-[0-9]$/ {
        kind = $1
        sub(/-[0-9]$/, "", kind)
        kinds[kind]
        for (i = 2; i <= NF; i++)
            if ($i != "") {
                n[kind, i]++
                sum[kind, i] += $i
                square[kind, i] += $i * $i
            }
    }
    END {
        t[2] = 12.706; t[3] = 4.303; t[4] = 3.182; t[5] = 2.776
        for (kind in kinds)
            for (i = 2; i <= columns; i++) {
                count = n[kind, i]
                if (count < 2) continue
                mean = sum[kind, i] / count
                variance = (square[kind, i] - count * mean * mean) / (count - 1)
                printf "%-16s %-36s %.4f +- %.4f (%d)\n", kind, name[i], mean,
                    t[count] * sqrt((variance > 0 ? variance : 0) / count), count
            }
    }' figures.tsv | sort
