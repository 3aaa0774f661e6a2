#!/usr/bin/env bash
# banks.sh MATCH FILE: MATCH is test-backend-match; FILE, a scratch file. The products of matrices never make two lanes of
# a warp meet in a bank of shared memory: that is what the places of their chunks are chosen for (product_mma.cuh).
set -euo pipefail
rm -f "$2"
PV_EMULATOR_COUNTS=$2 "$1" --filter "match/linear"
PV_EMULATOR_COUNTS=$2 "$1" --filter "match/conv"
PV_EMULATOR_COUNTS=$2 "$1" --filter "match/qkv*"
awk '/ product_mma.cuh:[0-9]+ shared-/ { rows++; if ($5 != $6) { print; failed = 1 } }
     END { print rows + 0 " lines looked at"; exit failed || rows < 4 }' "$2"
