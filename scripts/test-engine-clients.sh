#!/usr/bin/env bash
# Starts `tributary engine --listen` on a free port and drives it with the official ClickHouse
# clients of Python and Node.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cargo build --quiet -p tributary
data=$(mktemp -d)
cargo_target=${CARGO_TARGET_DIR:-target}
TRIBUTARY_DATA_DIR="$data" "$cargo_target/debug/tributary" engine --listen 127.0.0.1:0 >"$data/address" 2>"$data/log" &
engine=$!
trap 'kill "$engine" 2>/dev/null || true; wait "$engine" 2>/dev/null || true; rm -rf "$data"' EXIT
until grep -qs http "$data/address"; do
    kill -0 "$engine" 2>/dev/null || die "the engine did not start: $(cat "$data/log")"
    read -rt 0.1 <> <(:) || true
done
tests/engine-clients/run.sh "$(grep -o 'http://[^ ]*' "$data/address")"
