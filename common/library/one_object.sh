#!/bin/sh
# one_object.sh OUT.a FOLDER API.a LIBRARY.a...: what the API needs of the libraries, as one object with only the API's names.
set -eu
out=$1 folder=$2 api=$3
shift 3
mkdir -p "$folder"
"${CC:-cc}" -r -nostdlib -o "$folder/laconic.o" -Wl,--whole-archive "$api" -Wl,--no-whole-archive -Wl,--start-group "$@" -Wl,--end-group
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='laconic_*' "$folder/laconic.o"
rm -f "$out"
"${AR:-ar}" rcsD "$out" "$folder/laconic.o"
