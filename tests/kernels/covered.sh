#!/usr/bin/env bash
# covered.sh MODULE FILE: FILE names what the tests before have launched (PV_EMULATOR_LAUNCHES). Every instance of a kernel
# in MODULE must be there: one that no test launches is one that nobody has compared with the reference.
set -euo pipefail
# Floats need no conversion; PV_FOR_ELEMENT makes these all the same.
idle='^(narrow|widen)_kernel<float>$'
instances=$(nm -C "$1" | sed -nE 's/^[0-9a-f]+ [tTwW] (void )?([a-z0-9_]+_kernel[<(].*)$/\2/p' | sed 's/(.*//' |
    grep -vE "$idle" | sort -u)
missing=$(comm -23 <(echo "$instances") <(sed "s/^[0-9]* //" "$2" | sort -u))
echo "$(wc -l <<<"$instances") instances of kernels"
[ -n "$instances" ] || { echo "no kernel is in $1"; exit 1; }
[ -z "$missing" ] || { printf 'never launched:\n%s\n' "$missing"; exit 1; }
