#!/usr/bin/env bash
# The running server's figures: start, idle memory, webhook answers, and how soon a hit is in a report.
# Prints rows `name | value | target`. Start and memory are of the data scripts/bench-attribution.sh leaves.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cargo build --quiet --release -p tributary
node scripts/bench-server.mjs "${CARGO_TARGET_DIR:-target}/release/tributary" "${1:-target/bench-data}"
