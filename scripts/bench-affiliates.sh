#!/usr/bin/env bash
# The ledger of commissions at size: prints rows `name | value | reach`. The data are made anew in target/bench-affiliates.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cargo bench --quiet -p tributary --bench affiliates -- "$@"
