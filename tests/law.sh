#!/usr/bin/env bash
# The dependency law between the rooms, read off the #include lines: every forbidden arrow is named.
# Last line "N passed, N failed": one count per room.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1

passed=0 failed=0

# room may include ...: the rooms of common/ it may use (itself always). Lowest rooms first.
rooms="base:
completions:base
kernels:base
t5:base kernels
text:base
store:base kernels t5 text
codec:base kernels t5 text store
library:base kernels t5 text store codec"
tools="datasets train infer experiments notebooks-export"

# The same of the rooms of train/. What all of them share stands at its top: settings, metrics, phases.
train_rooms="task:
replay:task
acting:task replay
learning:task replay acting
judging:task replay acting learning
run:task replay acting learning judging"
common="base completions kernels t5 text store codec library"

# Prints "FILE:LINE: PATH" for every #include in the C files of a folder.
includes() {
    grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' "$1" 2>/dev/null |
        sed -E 's/^([^:]*:[0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*["<]([^">]*)[">].*/\1: \2/'
}

verdict() { # ROOM ARROWS
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n' "$2"
    fi
}

# Rooms among `$2` that the files of folder `$1` include, unless listed in `$3`. An include like "../t5/model.h"
# is no way round, nor is "common/t5/model.h".
forbidden_arrows() {
    local folder=$1 named=$2 allowed=" $3 " where path room
    includes "$folder" | while IFS=' ' read -r where path; do
        while [ "${path#../}" != "$path" ]; do path=${path#../}; done
        path=${path#common/}
        room=${path%%/*}
        [ "$room" != "$path" ] || continue
        case " $named " in *" $room "*) ;; *) continue ;; esac
        case $allowed in *" $room "*) ;; *) echo "$where forbidden arrow: $folder -> $room ($path)" ;; esac
    done
}

while IFS=: read -r room allowed; do
    verdict "$room" "$(forbidden_arrows "common/$room" "$common $tools" "$room $allowed")"
done <<<"$rooms"

for tool in $tools; do
    verdict "$tool" "$(forbidden_arrows "$tool" "$tools" "$tool")"
done

# Rooms of train/ that the C files in `$1` include, unless listed in `$2`; tables of names, NAME_list.h, are
# for everybody.
forbidden_in_train() {
    local where path room
    while IFS=' ' read -r where path; do
        while [ "${path#../}" != "$path" ]; do path=${path#../}; done
        path=${path#train/}
        room=${path%%/*}
        case $path in *_list.h) continue ;; esac
        case " $all_train_rooms " in *" $room "*) ;; *) continue ;; esac
        case " $2 " in *" $room "*) ;; *) echo "$where forbidden arrow: $1 -> $room ($path)" ;; esac
    done
}

all_train_rooms=$(cut -d: -f1 <<<"$train_rooms" | tr '\n' ' ')
while IFS=: read -r room allowed; do
    verdict "train/$room" "$(includes "train/$room" | forbidden_in_train "train/$room" "$room $allowed")"
done <<<"$train_rooms"
verdict train "$(includes train | grep -E '^train/[^/]*:' | forbidden_in_train train '')"

# HDF5 and cJSON have one owner.
for header in 'hdf5(_hl)?\.h' 'H5[A-Za-z]*\.h' 'cJSON(_Utils)?\.h'; do
    verdict "$header" "$(for folder in common tests $tools; do includes "$folder"; done |
        grep -E "[ /]$header\$" | grep -v '^common/store/' |
        sed 's/ / forbidden arrow: only common\/store may include /')"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
