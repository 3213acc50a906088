#!/usr/bin/env bash
# Everything there is to test. Installs what is missing first; stops at the first failing part, and then tells all that
# fails in it.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

scripts/setup.sh --tests
say "format"
cargo fmt --all --check
say "clippy, warnings denied"
cargo clippy --workspace --all-targets --quiet -- -D warnings
scripts/audit.sh --installed
say "unit, property, golden and integration tests"
cargo test --workspace --no-fail-fast
say "the pixel in Chromium"
tests/browser/run.sh
say "the Polar stand-in and the official SDKs"
tests/polar-sdk/run.sh
say "the PayPal stand-in and PayPal's SDK"
tests/paypal-sdk/run.sh
say "the engine and the official ClickHouse clients"
scripts/test-engine-clients.sh
say "a purchase in the browser, from the ad to the report"
tests/journey/run.sh
say "all passed"
