#!/usr/bin/env bash
# Installs, through apt, the programs that some tests need besides Python. Does nothing when all of them are there.
#
# What it may not or cannot install it names, with the tests that will be skipped for it, and it still ends well:
# the other tests do not need these programs.
set -euo pipefail

readonly RETRY_PAUSES_S=(5 15 45)

has_chromium() {
    local name
    # Some distributions ship a stub that only advertises another installer, so the program is asked for its version.
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        case $("$name" --version 2>/dev/null || true) in Chromium\ * | Google\ Chrome\ *) return 0 ;; esac
    done
    return 1
}

has_cjk_font() {
    local families
    families=$(fc-list : family 2>/dev/null) && [[ $families == *"CJK SC"* ]]
}

has_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

# PostGIS counts only beside a server of the same major version, and tests/support/postgres.py takes the newest server.
newest_server() { compgen -G '/usr/lib/postgresql/*/bin/initdb' | cut -d/ -f5 | sort -n | tail -n 1; }

has_postgis() {
    has_postgresql && [ -e "/usr/share/postgresql/$(newest_server)/extension/postgis.control" ]
}

# Prints one line for each thing that is missing: what, a tab, and the tests that need it.
list_missing() {
    has_chromium || printf 'chromium\tpytest -m browser\n'
    has_cjk_font || printf 'fonts-noto-cjk\tpytest -m browser (pictures with Chinese text)\n'
    has_postgresql || printf 'postgresql\tpytest -m postgres\n'
    has_postgis || printf 'postgresql-NN-postgis-3, NN being the server version\tpytest -m postgres\n'
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

# Another apt (an unattended upgrade, say) may hold the lock, and a mirror may be slow: wait, then try again.
apt_retry() {
    local pause
    for pause in "${RETRY_PAUSES_S[@]}" 0; do
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" && return 0
        [ "$pause" -eq 0 ] || echo "apt-get $1 failed; next try in ${pause} s" >&2
        sleep "$pause"
    done
    return 1
}

apt_install() { apt_retry install -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@"; }

install_missing() {
    local -a packages=()
    apt_retry update || return 1
    has_chromium || packages+=(chromium)
    has_cjk_font || packages+=(fontconfig fonts-noto-cjk)
    has_postgresql || packages+=(postgresql)
    # One package that a distribution does not have must not keep the others away.
    if [ "${#packages[@]}" -gt 0 ] && ! apt_install "${packages[@]}"; then
        local package
        for package in "${packages[@]}"; do apt_install "$package" || true; done
    fi
    # Only now is the major version of the server known.
    if has_postgresql && ! has_postgis; then
        apt_install "postgresql-$(newest_server)-postgis-3" || true
    fi
}

missing=$(list_missing)
[ -n "$missing" ] || exit 0

if may_install; then
    echo "Installing with apt: $(cut -f1 <<<"$missing" | paste -sd';' | sed 's/;/; /g')"
    install_missing || true
    missing=$(list_missing)
    [ -n "$missing" ] || exit 0
    reason='apt could not install it'
else
    reason='installing needs apt and root, or sudo without a password'
fi

echo "Missing ($reason). The tests behind the arrow will be skipped:" >&2
while IFS=$'\t' read -r what tests; do
    echo "  $what -> $tests" >&2
done <<<"$missing"
