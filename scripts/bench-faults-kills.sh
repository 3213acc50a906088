#!/usr/bin/env bash
# The suite's own test of kills (server/tests/process/kill.rs), with more of them and more load: SIGKILL at random
# moments, then everything acknowledged is looked for. KILL_ROUNDS (100), KILL_CONNECTIONS (64).
# Prints rows `name | value | reach`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
KILL_ROUNDS=${KILL_ROUNDS:-100} KILL_CONNECTIONS=${KILL_CONNECTIONS:-64} \
    cargo test --quiet --release -p tributary --test process -- --nocapture killed_at_random >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; die "the kill test failed"; }
awk '
    / kills$/ { kills = $(NF - 1) }
    /^requests a second/ { rate = $NF }
    /^slowest restart/ { restart = $(NF - 1) }
    / acknowledged, .* doubled$/ { hits = $0 }
    / webhooks acknowledged/ { webhooks = $0 }
    END {
        printf "SIGKILL at %d random moments: requests/s before the kill, median | %s | >= 20000\n", kills, rate
        printf "the same: hits | %s | 0 lost, 0 doubled\n", hits
        printf "the same: webhooks | %s | 0 lost\n", webhooks
        printf "the same: slowest restart to ready | %s ms | 2000 ms\n", restart
    }' "$log"
