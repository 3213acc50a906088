#!/usr/bin/env bash
# The fast loop: format, clippy with warnings denied, and every test that needs no browser.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

scripts/engine-library.sh
say "format"
cargo fmt --all --check
say "clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings
scripts/audit.sh --installed
say "tests"
cargo test --workspace --quiet
