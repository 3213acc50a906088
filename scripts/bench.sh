#!/usr/bin/env bash
# Runs every scripts/bench-*.sh and prints one table. Each prints rows `name | value | target`.
# The machine is shared and noisy: compare ratios within one run, not absolute figures of two.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
for bench in scripts/bench-*.sh; do
    say "$(basename "$bench" .sh)"
    "$bench" | tee -a "$rows"
done
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
printf '\n| what | measured | target |\n| --- | --- | --- |\n'
grep ' | ' "$rows" | sed 's/^/| /; s/$/ |/'
printf '\n%s cores, %s, %s\n' "$(nproc)" "${processor:-unknown processor}" "$(uname -sr)"
