#!/usr/bin/env bash
# Installs the yardsticks of benchmarks/ingest.py, each in a folder of its own under var/peers: all, or those named.
#
#     benchmarks/peers/setup.sh [aiomqtt] [node-red] [thingsboard]
#
# Versions are pinned beside this file. Node-RED needs node and npm; what cannot be installed is said and left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/peers
into=var/peers
mkdir -p "$into"

say() { printf '%s\n' "$*" >&2; }

from_pypi() {
    [[ -x $into/$1/bin/python ]] || .venv/bin/python -m venv "$into/$1"
    "$into/$1/bin/python" -m pip install --disable-pip-version-check --quiet --requirement "$here/$1.txt"
}

from_npm() {
    command -v npm >/dev/null || { say "npm is not installed (Debian packages nodejs and npm)"; return 1; }
    mkdir -p "$into/node-red"
    cp "$here/node_red/package.json" "$into/node-red/"
    npm install --prefix "$into/node-red" --no-audit --no-fund --silent
}

[[ $# -gt 0 ]] || set -- aiomqtt node-red thingsboard
missing=0
for peer in "$@"; do
    case $peer in
        aiomqtt | thingsboard) install=from_pypi ;;
        node-red) install=from_npm ;;
        *) say "$peer is none of aiomqtt, node-red, thingsboard"; exit 2 ;;
    esac
    if "$install" "$peer"; then say "$peer is in $into/$peer"; else say "$peer could not be installed"; missing=1; fi
done
exit "$missing"
