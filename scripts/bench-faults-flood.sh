#!/usr/bin/env bash
# An attacker at full speed whose requests are refused: what a healthy client notices, and what it costs in memory.
# Prints rows `name | value | reach`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release -p tributary -p load
target=${CARGO_TARGET_DIR:-target}
node scripts/bench-faults.mjs flood "$target/release/tributary" "$target/release/load"
