#!/usr/bin/env bash
# What the collector does on bad days, measured on the real program: slow and many connections, a store that is
# away, a restart with a full inbox, and kills under load. Prints rows `name | value | target`.
# FAULTS_RATE (requests a second of the outage, 5000), FAULTS_OUTAGE (its seconds, 60), KILL_ROUNDS (100).
set -euo pipefail
source "$(dirname "$0")/lib.sh"

ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release -p tributary -p load
target=${CARGO_TARGET_DIR:-target}
node scripts/bench-faults.mjs "$target/release/tributary" "$target/release/load"

# Kills: the suite's own test, with more of them and more load.
killed=$(mktemp)
trap 'rm -f "$killed"' EXIT
KILL_ROUNDS=${KILL_ROUNDS:-100} KILL_CONNECTIONS=${KILL_CONNECTIONS:-64} \
    cargo test --quiet --release -p tributary --test process -- --nocapture killed >"$killed" 2>&1 ||
    { tail -n 40 "$killed" >&2; die "the kill test failed"; }
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
    }' "$killed"
