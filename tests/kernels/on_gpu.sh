#!/usr/bin/env bash
# Runs a test program where `prevue info` finds a device that it can use; elsewhere exits with 77: skipped.
# usage: on_gpu.sh PREVUE PROGRAM
set -euo pipefail
devices=$("$1" info --devices)
if ! grep -A2 '^cuda$' <<<"$devices" | grep -q 'usable *yes'; then
    grep -A3 '^cuda$' <<<"$devices"
    exit 77
fi
exec "$2"
