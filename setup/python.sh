#!/usr/bin/env bash
# Makes .venv with the pinned dependencies: `setup/python.sh runtime` for the gateway, `dev` for tests and checks too.
#
# It leaves at once where that is done already. What "that" is, is kept in .venv/.installed as a fingerprint of
# pyproject.toml, constraints.txt, the interpreter and the folder: file times say little after a checkout or a copy.
# PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
extra=${1:?runtime or dev}
stamp=.venv/.installed

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null; }

find_python() {
    if [[ -n ${PYTHON:-} ]]; then
        is_new_enough "$PYTHON" && command -v "$PYTHON" && return
        say "PYTHON=$PYTHON is not a Python 3.11 or newer."
        return 1
    fi
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or newer is needed; found: $(python3 --version 2>&1 || true)."
    say "On Debian 12, Ubuntu 24.04 or newer: apt-get install python3 python3-venv. Or set PYTHON=/path/to/python3.11."
    return 1
}

# Debian keeps what makes a virtual environment (ensurepip) in a package of its own.
need_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    local package
    package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [[ $(id -u) != 0 ]]; then
        say "$1 cannot make virtual environments. Run: sudo apt-get install $package"
        return 1
    fi
    say "Installing $package ..."
    setup/apt.sh "$package" || { say "$package could not be installed; $1 needs it to make .venv."; return 1; }
}

fingerprint() {
    { pwd; .venv/bin/python -VV; cat pyproject.toml constraints.txt; } 2>/dev/null | sha256sum | cut -d' ' -f1
}

if [[ -x .venv/bin/python && -f $stamp ]] && .venv/bin/python -c '' 2>/dev/null; then
    read -r had mark <"$stamp"
    if [[ $mark == "$(fingerprint)" && ($had == "$extra" || $had == dev) ]]; then
        exit 0
    fi
    [[ $had == dev ]] && extra=dev # what was there stays there
fi

python=$(find_python)
need_venv "$python"
say "Setting up .venv with $("$python" --version) ($extra) ..."
rm -f "$stamp"
# Scripts in .venv name their folder and interpreter: a copy from elsewhere, or one whose Python is gone, is made anew.
folder=$(cat .venv/.folder 2>/dev/null || pwd)
if ! is_new_enough .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1 || [[ $folder != "$(pwd)" ]]; then
    rm -rf .venv
    "$python" -m venv .venv
fi
pwd >.venv/.folder
target=.
[[ $extra == dev ]] && target=.[dev]
.venv/bin/python -m pip install --disable-pip-version-check --quiet --editable "$target" --constraint constraints.txt
echo "$extra $(fingerprint)" >"$stamp"
