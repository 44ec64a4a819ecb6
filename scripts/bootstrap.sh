#!/usr/bin/env bash
# Makes .venv from a lock file: bootstrap.sh requirements.lock
#
# Every file that is installed is checked against the hashes in the lock. uv does the work, itself installed from the
# same lock; where it cannot, plain pip does. With PIP_NO_INDEX and PIP_FIND_LINKS set, everything comes from a folder.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly lock=${1:?usage: bootstrap.sh LOCK_FILE}
readonly venv=.venv
readonly is_new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        "$name" -c "$is_new_enough" 2>/dev/null && echo "$name" && return
    done
    die "No Python 3.11 or newer was found (tried: ${PYTHON:-python3, python3.11 to python3.14})." \
        "Install one, or name it: make setup PYTHON=/path/to/python3"
}

# Debian and Ubuntu ship venv without the part it needs to put pip in, as a package of its own.
ensure_venv_module() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    local package
    package=python$("$1" -c 'import sys; print("{}.{}".format(*sys.version_info))')-venv
    local -a sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
    if command -v apt-get >/dev/null && "${sudo[@]}" true 2>/dev/null; then
        echo "Installing $package, which this Python needs to make a virtual environment"
        "${sudo[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update || true
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$package" || true
    fi
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$1 cannot make a virtual environment. Install its package, then try again: apt-get install $package"
}

# uv reads none of pip's settings; who has told pip of a mirror means uv too.
share_mirror_with_uv() {
    local mirror=${PIP_INDEX_URL:-$("$venv/bin/pip" config get global.index-url 2>/dev/null || true)}
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$mirror}
}

install_with_uv() {
    [ -z "${PIP_NO_INDEX:-}" ] || return 1
    # The lines of uv alone: its name and the hashes below it.
    awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.lock >"$venv/uv-requirement.txt"
    "$venv/bin/pip" install --quiet --require-hashes --no-deps -r "$venv/uv-requirement.txt" || return 1
    share_mirror_with_uv
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps -r "$lock"
}

if ! "$venv/bin/python" -c "$is_new_enough" 2>/dev/null || ! [ -x "$venv/bin/pip" ]; then
    python=$(find_python)
    ensure_venv_module "$python"
    "$python" -m venv --clear "$venv"
fi

echo "Installing $lock into $venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1
if ! install_with_uv; then
    echo "uv could not be used; installing with pip, which takes longer"
    "$venv/bin/pip" install --quiet --require-hashes --no-deps -r "$lock"
fi
# The build backend is in the lock, so this downloads nothing.
"$venv/bin/pip" install --quiet --no-deps --no-build-isolation --no-index --editable .
