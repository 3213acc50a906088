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
strace -o /dev/null true 2>/dev/null || {
    say "strace is missing or may not trace: the test of power cuts is left out; make test has it"
    export TRIBUTARY_TEST_WITHOUT_STRACE=1
}
say "tests"
cargo test --workspace --quiet
