#!/usr/bin/env bash
# Held-out figures along every run, as curves.tsv, curves.png and hybrid.png. Needs gnuplot.
#     experiments/results/rl/curves.sh OUTPUT-FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?usage: curves.sh OUTPUT-FOLDER}"

# evaluations FILE: its rows that have one, by the names of today also where an earlier version wrote them.
evaluations() { sed -nE 's/"held_out_exact(_fallback)?":/"held_out_exact_match\1":/g; /"held_out_exact_match":/p' "$1"; }

# value KEY: of the line on stdin, empty if it has none.
value() { sed -n "s/.*\"$1\": \([-+.0-9e]*\).*/\1/p"; }

printf 'run\tminutes\texact_match\texact_match_fallback\ttokens_per_byte_fallback\ttokens_per_byte\tresidual_bits\ttotal_bits\tentropy\tkl_target\n' >curves.tsv
for metrics in */metrics.jsonl; do
    evaluations "$metrics" | while read -r row; do
        printf '%s\t%.2f' "${metrics%/*}" "$(awk -v s="$(value seconds <<<"$row")" 'BEGIN { print s / 60 }')"
        for key in held_out_exact_match held_out_exact_match_fallback held_out_tokens_per_byte_fallback \
            held_out_tokens_per_byte held_out_residual_bits_per_byte held_out_total_bits_per_byte held_out_entropy held_out_kl_target; do
            printf '\t%s' "$(value "$key" <<<"$row")"
        done
        printf '\n'
    done >>curves.tsv
done
gnuplot -e "folder='$PWD'" "$here/curves.gp"
gnuplot -e "folder='$PWD'" "$here/hybrid.gp"
