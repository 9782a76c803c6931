#!/usr/bin/env bash
# One iteration of reinforcement on the demo's data (act, score, learn), this tree beside an older commit, in turn, from
# the same checkpoint. Needs a build of this tree and git's history.
#   experiments/results/speed/rl.sh [COMMIT [PAIRS [OUTPUT-FOLDER]]]
# Both do what was usual then: advantage-weighted regression with 4 updates an iteration. COMMIT: by default the last
# before bf16. An iteration's time is that of 21 less that of 1, over 20: what a run begins
# and ends with does not count.
set -euo pipefail
cd "$(dirname "$0")/../../.."
commit=${1:-4f65bee}
pairs=${2:-5}
out=$(realpath -m -- "${3:-runs/rl-speed}")
before=$out/before
mkdir -p "$out"

if [ ! -x "$before/build/laconic" ]; then
    rm -rf "$before"
    mkdir -p "$before"
    git archive "$commit" | tar -x -C "$before"
    meson setup "$before/build" "$before" --buildtype=release -Dtests=false >"$out/build.log"
    ninja -C "$before/build" >>"$out/build.log"
fi
if [ ! -f "$out/start/checkpoint.h5" ]; then
    build/laconic data synth -q service-logs --bytes 4000000 --seed 1 -o "$out/service.log"
    build/laconic data make -q -o "$out/data.h5" "$out/service.log"
    build/laconic train configs/quickstart.json --data "$out/data.h5" -o "$out/start" --set rl.steps=0 --max-minutes 2.5
fi

# What the older commit does by default and this tree does not.
as_then=(--set rl.algorithm=awr --set rl.updates=4 --set rl.compressor_rate=5e-4 --set rl.demonstrations=0.3
    --set rl.episodes=8192 --set behaviour.samples=2 --set behaviour.merges=0 --set demonstration.pairs=0 --set reward.loss=1)

# seconds BUILD ITERATIONS
seconds() {
    local begun ended settings=()
    [ "$1" != build ] || settings=("${as_then[@]}")
    begun=$(date +%s.%N)
    "$1/laconic" train configs/quickstart.json -q --data "$out/data.h5" -o "$out/run" --from "$out/start/checkpoint.h5" \
        --set supervised.steps=0 --set minutes=0 --set rl.steps="$2" --set evaluation.every=100000 \
        --set evaluation.chunks=16 --set evaluation.prior=16 "${settings[@]}" >>"$out/train.log" 2>&1
    ended=$(date +%s.%N)
    rm -rf "$out/run"
    awk "BEGIN { print $ended - $begun }"
}
iteration() { awk "BEGIN { printf \"%.4f\", ($(seconds "$1" 21) - $(seconds "$1" 1)) / 20 }"; }

iteration build >/dev/null # warms the disk's cache
printf 'before\tnow\tratio\n' | tee "$out/rl.tsv"
for ((i = 0; i < pairs; i++)); do
    old=$(iteration "$before/build") new=$(iteration build)
    awk -v a="$old" -v b="$new" 'BEGIN { printf "%.4f\t%.4f\t%.2f\n", a, b, a / b }' | tee -a "$out/rl.tsv"
done
for column in 1 2 3; do
    tail -n +2 "$out/rl.tsv" | cut -f $column | sort -g | awk '{ x[NR] = $1 } END { printf "%s\t", x[int((NR + 1) / 2)] }'
done
printf 'medians: seconds per iteration before and now, ratio\n'
