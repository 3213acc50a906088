#!/usr/bin/env bash
# Builds once, runs every scripts/bench-*.sh and prints one table: what, measured, reach. Each part prints rows
# `name | value | reach`; a part that fails or takes too long is a row of its own, and the table is printed all the same.
# PARTS="collector reports" runs only those.
# The machine may be shared and noisy: compare ratios within one run, not absolute figures of two.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

part_seconds_max=240

# wants PART: whether it is to run.
wants() { case " ${PARTS:-$1} " in *" $1 "*) ;; *) return 1 ;; esac; }

if wants pixel; then scripts/setup.sh --tests; else scripts/setup.sh; fi
say "building for release"
cargo build --quiet --release -p tributary --bins --bench attribution --bench affiliates
cargo build --quiet --release -p load -p polar-standin
if wants collector; then cargo build --quiet --release -p tributary --features bench --bench collector; fi
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
failed=0
for bench in scripts/bench-*.sh; do
    part=$(basename "$bench" .sh)
    wants "${part#bench-}" || continue
    say "$part"
    timeout --kill-after=10 "$part_seconds_max" "$bench" | tee -a "$rows" || {
        failed=1
        printf '%s | failed, or took more than %s s | -\n' "$part" "$part_seconds_max" >>"$rows"
    }
done
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo)
printf '\n| what | measured | reach |\n| --- | --- | --- |\n'
grep ' | ' "$rows" | sed 's/^/| /; s/$/ |/'
printf '\n%s cores, %s, %s, %s, %s s in all. Medians; rates and times hold for this machine, ratios (x, :) for any.\n' \
    "$(nproc)" "${processor:-unknown processor}" "$memory" "$(uname -sr)" "$SECONDS"
exit "$failed"
