#!/usr/bin/env bash
# Installs Debian packages as root, one by one, without starting the services they bring: `setup/apt.sh NAME...`.
# Ends with 1 where one could not be installed; the others are installed nevertheless.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

command -v apt-get >/dev/null || { say "no apt-get here: install $* by hand"; exit 1; }
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1

# Tests start servers of their own; those of the packages would take ports and memory. 101 means "do not start".
policy=/usr/sbin/policy-rc.d
if [[ $(id -u) == 0 && ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

log=$(mktemp)
updated=
failed=0
for package in "$@"; do
    if [[ -z $updated ]] && ! apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'; then
        apt-get update -q >"$log" 2>&1 || true # an unreachable source shows when the package is not found
        updated=yes
    fi
    if ! apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$package" >"$log" 2>&1; then
        if [[ -z $updated ]] && apt-get update -q >>"$log" 2>&1; then # lists there, but too old
            updated=yes
            apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$package" >"$log" 2>&1 && continue
        fi
        say "$package could not be installed: $(grep -m1 '^E:' "$log" || tail -n 1 "$log")"
        failed=1
    fi
done
rm -f "$log"
exit "$failed"
