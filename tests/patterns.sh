# shellcheck shell=bash
# Expected output with patterns in it, for cli/run and pages.sh (sourced): {*} stands for any text within a line, {n}
# for a number, a line {**} for any number of lines.

# An expected line as a pattern of [[ == ]]: everything is literal but {*} and {n}.
line_pattern() {
    local text=$1 escaped=''
    local -i i
    for ((i = 0; i < ${#text}; i++)); do
        case ${text:i:3} in
        '{*}')
            escaped+='*'
            i+=2
            continue
            ;;
        '{n}')
            escaped+='+([0-9.,])'
            i+=2
            continue
            ;;
        esac
        case ${text:i:1} in
        [A-Za-z0-9]) escaped+=${text:i:1} ;;
        *) escaped+=\\${text:i:1} ;;
        esac
    done
    printf '%s' "$escaped"
}

# matches EXPECTED-FILE ACTUAL-FILE: {**} takes as few lines as the next expected line needs.
matches() {
    local wanted got pattern
    local -i w=0 g=0
    local skipping=no
    mapfile -t wanted <"$1"
    mapfile -t got <"$2"
    while [ "$w" -lt "${#wanted[@]}" ]; do
        if [ "${wanted[w]}" = '{**}' ]; then
            skipping=yes
            w+=1
            continue
        fi
        pattern=$(line_pattern "${wanted[w]}")
        # shellcheck disable=SC2053 # the right side is a pattern
        while [ "$skipping" = yes ] && [ "$g" -lt "${#got[@]}" ] && [[ ${got[g]} != $pattern ]]; do g+=1; done
        # shellcheck disable=SC2053
        [ "$g" -lt "${#got[@]}" ] && [[ ${got[g]} == $pattern ]] || return 1
        skipping=no
        w+=1
        g+=1
    done
    [ "$skipping" = yes ] || [ "$g" = "${#got[@]}" ]
}
