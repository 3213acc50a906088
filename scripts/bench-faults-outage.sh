#!/usr/bin/env bash
# The store goes away under load and comes back: latency, memory, and how fast the backlog drains.
# FAULTS_RATE (requests a second, 5000) and FAULTS_OUTAGE (seconds, 60).
# Prints rows `name | value | reach`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release -p tributary -p load
target=${CARGO_TARGET_DIR:-target}
node scripts/bench-faults.mjs outage "$target/release/tributary" "$target/release/load"
