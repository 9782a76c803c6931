# shellcheck shell=bash
# What the proofs of the codec share (sourced with $top set to the top of the repository).

: "${top:?}"
# shellcheck source=/dev/null
. "$top/.ci/setup.sh"
for name in ${!LACONIC_@}; do [ "$name" = LACONIC_SHARED ] || unset "$name"; done
export LC_ALL=C TERM=dumb
unset CDPATH

# open_folder [FOLDER]: sets $folder to it, or to one that is deleted at the end.
open_folder() {
    if [ -n "${1:-}" ]; then
        mkdir -p "$1" && folder=$(cd "$1" && pwd) || exit 2
    else
        folder=$(mktemp -d "${TMPDIR:-/tmp}/laconic-proof-XXXXXX") || exit 1
        trap 'rm -rf "$folder"' EXIT
    fi
    trap 'exit 130' INT TERM
}

# words COUNT SEED: lines a tiny pair learns by heart in a second.
words() {
    awk -v count="$1" -v state="$2" 'BEGIN {
        size = split("open close read write send receive wait done", word)
        while (count-- > 0) {
            state = (state * 75 + 74) % 65537
            print word[1 + state % size]
        }
    }'
}

# make_pair BUILD-FOLDER MODEL.h5 [SHAPE.json [KEY=VALUE...]]: the pair of the command-line tests, the same on every
# machine, or one of another shape and configuration. Nothing happens when MODEL.h5 is there.
make_pair() {
    local build=$1 model=$2 shape=${3:-$top/tests/cli/tiny-model.json} work options=(--set precision=fp32) setting
    for setting in "${@:4}"; do options+=(--set "$setting"); done
    [ ! -f "$model" ] || return 0
    work=$(mktemp -d "${TMPDIR:-/tmp}/laconic-pair-XXXXXX") || return
    sed "s|tiny-model.json|$shape|" "$top/tests/cli/tiny.json" >"$work/tiny.json"
    words 6000 1 >"$work/words.txt"
    if (
        cd "$work" &&
            "$build/laconic" data make -q -o data.h5 --tokenizer bytes --chunk lines:32 words.txt &&
            "$build/laconic" train tiny.json --data data.h5 -o run "${options[@]}" --cpu scalar -T 1 -q
    ) >"$work/log" 2>&1; then
        mv "$work/run/best.h5" "$model"
        rm -rf "$work"
        return
    fi
    cat "$work/log"
    say "the tiny pair could not be made (above)"
    rm -rf "$work"
    return 1
}
