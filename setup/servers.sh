#!/usr/bin/env bash
# Sees that the programs of the tests on real servers are there: as root it installs what is missing, else it says so.
# Never fails: tests without their program skip with the reason, and fail where CI=true.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin:/usr/local/sbin

declare -A package_of=(
    [mosquitto]=mosquitto
    [mosquitto_sub]=mosquitto-clients
    [influxd]=influxdb
    [victoria-metrics]=victoria-metrics
    [chromium]=chromium
    [openssl]=openssl
)
missing=()
for program in mosquitto mosquitto_sub influxd victoria-metrics chromium openssl; do
    command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
[[ ${#missing[@]} == 0 ]] && exit 0

if [[ $(id -u) == 0 ]]; then
    echo "Installing for the tests: ${missing[*]} ..." >&2
    setup/apt.sh "${missing[@]}" || echo "Tests that need what is missing are skipped (in CI they fail)." >&2
else
    echo "Not installed: ${missing[*]}. The tests that need them are skipped; as root this would install them." >&2
fi
exit 0
