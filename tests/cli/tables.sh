# shellcheck shell=bash
# For cases (they source it): every command of ours, one per line, as `laconic` is told it: "compress", "data fetch".
all_commands() {
    local command
    laconic --help-table | cut -f2 | while read -r command; do
        case $(laconic "$command" --help-table | head -n 1) in
        command*) laconic "$command" --help-table | cut -f2 | sed "s/^/$command /" ;;
        *) echo "$command" ;;
        esac
    done
}
# options_of COMMAND...: its long options with their dashes, from --help, where people read them.
options_of() {
    laconic "$@" --help | sed -n '/^Options:/,/^$/p' | grep -oE '^  (-., |    )--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'
}
