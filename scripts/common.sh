# Sourced by scripts/run and scripts/test: finds Python, makes .venv, installs only when something changed.
# POSIX sh. Optional variables: PYTHON (an interpreter), TORCH_INDEX (an index of torch's CPU wheels).

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$ROOT" || exit 1
VENV=$ROOT/.venv
VPY=$VENV/bin/python

say() { printf 'groupscope: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

root_on_debian() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
    say "installing $* with apt-get"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Prints the first interpreter that is new enough.
find_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        path=$(command -v "$name") && new_enough "$path" && printf '%s\n' "$path" && return 0
    done
    return 1
}

need_python() {
    BASE=$(find_python) && return 0
    [ -z "${PYTHON:-}" ] || die "PYTHON=$PYTHON is not a Python of 3.11 or newer"
    found=$(python3 -V 2>/dev/null) || found=
    packages=${found:+python3.11 python3.11-venv}
    packages=${packages:-python3 python3-venv}
    root_on_debian && apt_install $packages && BASE=$(find_python) && return 0
    die "Python 3.11 or newer is needed, found ${found:-none}. On Debian or Ubuntu: sudo apt-get install $packages"
}

# Debian and Ubuntu ship the venv module's other half, ensurepip, as a package of its own.
need_venv_module() {
    "$BASE" -c 'import ensurepip, venv' 2>/dev/null && return 0
    package=$("$BASE" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    root_on_debian && apt_install "$package" && "$BASE" -c 'import ensurepip, venv' 2>/dev/null && return 0
    die "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install $package"
}

# A .venv that is half-made, of a Python that is gone, or whose installation was cut short is made anew.
need_venv() {
    [ ! -e "$VENV/unfinished" ] && new_enough "$VPY" && "$VPY" -c 'import pip' 2>/dev/null && return 0
    need_python
    need_venv_module
    say "creating .venv with $("$BASE" -V)"
    "$BASE" -m venv --clear "$VENV" || die "could not create $VENV"
}

# What an installation depends on: when this line changes, pip runs again.
fingerprint() { printf '%s %s %s\n' "$ROOT" "$("$VPY" -V 2>/dev/null)" "$(cat pyproject.toml constraints.txt | cksum)"; }

installed() { [ -f "$1" ] && [ "$(cat "$1")" = "$(fingerprint)" ]; }

# need_install EXTRA: "" for running, "test" for the tests too. The stamp comes last: what was cut short is repeated.
need_install() {
    stamp=$VENV/groupscope-${1:-run}.stamp
    installed "$stamp" && return 0
    [ -n "$1" ] || ! installed "$VENV/groupscope-test.stamp" || return 0
    need_venv
    say "installing into .venv (again only when the pins change; the first time takes minutes)"
    rm -f "$stamp"
    : >"$VENV/unfinished"
    status=0
    pip_install ".${1:+[$1]}" || status=$?
    rm -f "$VENV/unfinished"
    [ "$status" = 0 ] || die "pip failed, see above; the same command tries again"
    fingerprint >"$stamp"
}

pip_install() {
    "$VPY" -m pip install --disable-pip-version-check \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt -e "$1"
}
