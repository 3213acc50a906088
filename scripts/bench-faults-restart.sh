#!/usr/bin/env bash
# Killed and started again with a full inbox. FAULTS_INBOX_MB (1024) is how full.
# Prints rows `name | value | reach`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release -p tributary -p load
target=${CARGO_TARGET_DIR:-target}
node scripts/bench-faults.mjs restart "$target/release/tributary" "$target/release/load"
