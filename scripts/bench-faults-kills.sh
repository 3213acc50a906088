#!/usr/bin/env bash
# SIGKILL at random moments under full load, then everything acknowledged is looked for. KILL_ROUNDS (100),
# KILL_CONNECTIONS (64). Prints rows `name | value | reach`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cargo build --quiet --release -p tributary -p load
target=${CARGO_TARGET_DIR:-target}
node scripts/bench-faults.mjs kills "$target/release/tributary" "$target/release/load"
