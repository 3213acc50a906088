#!/usr/bin/env bash
# Builds what `make run` starts: the server, the shop and the Polar stand-in, in the `demo` profile
# (optimised, but without the link-time work of a release, so that a first run stays short).
set -euo pipefail
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "building server, shop and Polar stand-in (the first time takes some minutes)"
cargo build --profile demo -p tributary -p shop -p polar-standin
