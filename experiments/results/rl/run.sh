#!/usr/bin/env bash
# Repeats the recorded runs of reinforcement learning, stage by stage; a run that is finished is not repeated, so the
# script may be stopped and started again. Two runs at a time, one thread each, minutes of CPU time (option clock), so
# that runs stay comparable on a machine that does other things too. Needs a build.
#
#     experiments/results/rl/run.sh TEXT OUTPUT-FOLDER STAGE...
#
# TEXT is enwik8.first3600000; its last 2 % are held out of everything. Stages:
#     small    byte-1m: three seeds of the start, expert iteration, the baseline         (40 minutes of two cores)
#     others   byte-1m: every other algorithm from the first start, one seed             (30)
#     hold     byte-1m: dqn (whole returns, CQL penalty, imitation), 30 minutes           (30, one core)
#     long     byte-1m: expert iteration for three times as long                         (25, one core)
#     hybrid   byte-1m: the paper's reward and the reward in bits, chunks of 32 and 128  (30)
#     large    byte-8m: one start; three seeds of expert iteration and of the baseline   (65)
# Then experiments/results/rl/table.sh OUTPUT-FOLDER prints what the page shows.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
text=$(realpath -- "$1")
out=$(realpath -m -- "$2")
stages=("${@:3}")
cd "$(dirname "$0")/../../.."
laconic=${LACONIC:-$PWD/build/laconic} # another build, if need be
configs=$PWD/configs/rl
mkdir -p "$out"

# run NAME CONFIG [OPTION...]: a run in OUT/NAME unless it is finished; waits while two others run.
run() {
    local name=$1 config=$2
    shift 2
    [ ! -e "$out/$name/finished" ] || return 0
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
    rm -rf "${out:?}/$name"
    ("$laconic" train "$configs/$config.json" --data "$out/data$chunk.h5" -o "$out/$name" -T 1 "$@" >"$out/$name.log" 2>&1 &&
        touch "$out/$name/finished") &
}
# Waits for what the next runs begin from.
settle() { wait; }

data() {
    chunk=$1
    [ -e "$out/data$chunk.h5" ] ||
        "$laconic" data make -q "$text" --tokenizer bytes --chunk "$chunk" --split 98,2,0 -o "$out/data$chunk.h5"
}

small() {
    data 32
    for seed in 1 2 3; do run "start-$seed" start --set seed=$seed; done
    settle
    for seed in 1 2 3; do
        run "expert-$seed" expert --from "$out/start-$seed/checkpoint.h5" --set seed=$seed
        run "baseline-$seed" baseline --from "$out/start-$seed/checkpoint.h5" --set seed=$seed
    done
    settle
}

others() {
    data 32
    for name in awr dqn pcl ppo vtrace ilql a2c; do
        run "$name" "$name" --from "$out/start-1/checkpoint.h5"
    done
    settle
}

hold() {
    data 32
    run hold-dqn dqn --from "$out/start-1/checkpoint.h5" --max-minutes 30 --set rl.compressor_rate=5e-5
    settle
}

long() {
    data 32
    run long-expert expert --from "$out/start-1/checkpoint.h5" --max-minutes 24
    settle
}

hybrid() {
    for size in 32 128; do
        data $size
        run "hybrid-start-$size" hybrid-start
        settle
        for reward in paper bits; do
            run "hybrid-$reward-$size" "hybrid-$reward" --from "$out/hybrid-start-$size/checkpoint.h5"
        done
        settle
    done
    data 32 # a token that costs ln V nats, as in the paper's predecessor
    run hybrid-cost-32 hybrid-paper --from "$out/hybrid-start-32/checkpoint.h5" --set reward.length=7.15
    settle
}

large() {
    local common=(--set model=byte-8m --set evaluation.search=1000 --max-minutes 8)
    data 32
    run large-start start --set model=byte-8m --max-minutes 36 --set supervised.compressor_rate=1e-3 \
        --set supervised.decompressor_rate=1e-3
    settle
    for seed in 1 2 3; do
        run "large-expert-$seed" expert --from "$out/large-start/checkpoint.h5" "${common[@]}" --set seed=$seed \
            --set rl.compressor_rate=7e-4 --set rl.decompressor_rate=3e-4
        run "large-baseline-$seed" baseline --from "$out/large-start/checkpoint.h5" "${common[@]}" --set seed=$seed \
            --set supervised.compressor_rate=5e-4 --set supervised.decompressor_rate=5e-4
    done
    settle
}

for stage in "${stages[@]}"; do
    case $stage in
    small | others | hold | long | hybrid | large) "$stage" ;;
    *) printf 'no stage %s\n' "$stage" >&2; exit 2 ;;
    esac
done
