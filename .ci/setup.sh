# shellcheck shell=bash
# Debian packages and build trees, for ./demo and ./check (sourced from the top of the repository).

say() { printf '%s\n' "$*"; }

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# packages_for build|test|baselines...: what each purpose needs.
packages_for() {
    local purpose
    for purpose; do
        case $purpose in
        build) printf '%s\n' gcc libc6-dev meson ninja-build pkgconf libopenblas-dev libcjson-dev libhdf5-dev libzstd-dev \
            libxxhash-dev libmd-dev ;;
        test) printf '%s\n' libcriterion-dev patch strace ;;
        baselines) printf '%s\n' gzip xz-utils zstd ;;
        esac
    done
}

# The packages among the arguments that are not installed. Elsewhere than on Debian nothing is known to be missing:
# Meson then names what it does not find.
missing_packages() {
    command -v dpkg-query >/dev/null || return 0
    local package installed
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
    for package; do
        grep -qx "$package installed" <<<"$installed" || printf '%s\n' "$package"
    done
}

# Runs apt-get as root without a question of its own; sudo may ask for a password where there is a terminal.
apt_get() {
    local become=()
    if [ "$(id -u)" != 0 ]; then
        become=(sudo)
        [ -t 0 ] || become+=(-n)
    fi
    "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
        -o Acquire::Retries=1 "$@" </dev/null
}

# A repository that cannot be reached (update) does not matter as long as the packages come from another (install).
install_packages() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; } || return
    say "Installing Debian packages: $*"
    { apt_get update || true; apt_get install --no-install-recommends "$@"; } >/dev/null 2>&1
    [ -z "$(missing_packages "$@")" ]
}

# require_packages PURPOSE...: installs what is missing, or says in one sentence what to type.
require_packages() {
    local missing packages root
    mapfile -t packages < <(packages_for "$@")
    mapfile -t missing < <(missing_packages "${packages[@]}")
    [ "${#missing[@]}" = 0 ] && return
    install_packages "${missing[@]}" && return
    root=$([ "$(id -u)" = 0 ] || printf 'sudo ')
    die "These Debian packages are missing and could not be installed from here: ${missing[*]}; please type: \
${root}apt-get update && ${root}apt-get install --no-install-recommends ${missing[*]}"
}

# configure_tree DIR [MESON-OPTION...]: makes DIR a build tree with just these options. A tree that already is one
# is left alone (ninja itself notices changed meson.build files); one that Meson will not change is made afresh.
configure_tree() {
    local tree=$1 wanted log
    shift
    set -- -Dpkgconfig.relocatable=true "$@" # a default of meson.build, which trees of before do not take up
    wanted="${CC:-} $PWD $*"
    log=$tree/setup.log
    [ -f "$tree/build.ninja" ] && [ "$(cat "$tree/setup.options" 2>/dev/null)" = "$wanted" ] && return
    mkdir -p "$tree"
    rm -f "$tree/setup.options"
    if ! { [ -f "$tree/build.ninja" ] && meson setup --reconfigure "$tree" "$@" </dev/null >"$log" 2>&1; }; then
        rm -rf "$tree"
        mkdir -p "$tree"
        meson setup "$tree" "$@" </dev/null >"$log" 2>&1 || {
            grep -h 'ERROR' "$log" >&2 || cat "$log" >&2
            die "Meson could not set up $tree; the whole story is in $log."
        }
    fi
    say "$wanted" >"$tree/setup.options"
}

# build_tree DIR [TARGET...]: on a terminal ninja shows its one moving line, elsewhere only what fails.
build_tree() (
    cd "$1" || exit
    shift
    if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
        ninja "$@"
    else
        ninja --quiet "$@" | grep -v '^ninja: no work'
        exit "${PIPESTATUS[0]}"
    fi
)
