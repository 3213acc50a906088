#!/usr/bin/env bash
# Slow and many connections: what a healthy client notices, and how long they live.
# Prints rows `name | value | reach`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release -p tributary -p load
target=${CARGO_TARGET_DIR:-target}
node scripts/bench-faults.mjs heads,bodies,crowd "$target/release/tributary" "$target/release/load"
