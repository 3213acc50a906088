#!/usr/bin/env bash
# Attribution at size: prints rows `name | value | target`. The data stay in target/bench-data.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cargo bench --quiet -p tributary --bench attribution -- "$@"
