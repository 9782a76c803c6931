# shellcheck shell=bash
# Pages of the documentation that are done as they say, for extending, tutorials and readme (sourced). Sets top, the
# repository; work, a temporary folder; log, what the last step said; passed, failed and skipped.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=/dev/null
. "$top/.ci/setup.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/laconic-pages-XXXXXX") || exit 1
log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'say "Interrupted."; exit 130' INT TERM
for name in ${!LACONIC_@}; do unset "$name"; done
export LC_ALL=C TERM=dumb
passed=0 failed=0 skipped=0

# page_blocks PAGE FOLDER: its fenced blocks as FOLDER/NN.KIND in their order; KIND is diff, sh, python or text, and
# "varies" where the fence says "text varies".
page_blocks() {
    mkdir -p "$2" && awk -v folder="$2" '
        /^```(diff|sh|python|text)$/ { name = sprintf("%s/%02d.%s", folder, ++count, substr($0, 4)); next }
        /^```text varies$/ { name = sprintf("%s/%02d.varies", folder, ++count); next }
        /^```/ { name = ""; next }
        name != "" { print > name }' "$1"
}

# tree_copy FOLDER: a copy of the repository to be changed and built.
tree_copy() {
    mkdir -p "$1" && tar -C "$top" --exclude-vcs --exclude='./build*' --exclude=./runs -cf - . | tar -C "$1" -xf -
}

# tree_links FOLDER BUILD: looks like the repository with BUILD as its build; what is written there is not in it.
tree_links() {
    local build entry
    build=$(cd "$2" && pwd) && mkdir -p "$1" || return
    for entry in "$top"/*; do
        case ${entry##*/} in
        build* | runs) ;;
        *) ln -s "$entry" "$1/" || return ;;
        esac
    done
    ln -s "$build" "$1/build"
}

# The python3 that has h5py: Debian's, where another one stands before it.
page_python() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import h5py' 2>/dev/null && say "$python" && return
    done
    return 1
}

# do_block BLOCK: applies a diff to the tree we are in, or runs commands; what they say goes into $log.
do_block() {
    case $1 in
    *.diff) patch -p1 --fuzz=0 <"$1" ;;
    *.sh) bash -euo pipefail "$1" ;;
    *.python) "$(page_python)" "$1" ;;
    esac </dev/null >"$log" 2>&1
}

# page_failed WHAT: counts, and shows the end of the last step's output.
page_failed() {
    failed=$((failed + 1))
    say "FAILED: $1"
    [ ! -s "$log" ] || tail -n 30 "$log"
}

page_finish() {
    say "$passed passed, $failed failed$([ "$skipped" = 0 ] || printf ', %s skipped' "$skipped")"
    [ "$failed" = 0 ]
    exit
}
