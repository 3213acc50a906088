#!/bin/sh
# Starts the PayPal stand-in on a free port, drives it with PayPal's own SDK for payouts, and stops it. Needs node 20 or
# newer and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
cargo build --quiet -p paypal-standin
target=${CARGO_TARGET_DIR:-$root/target}
work=$target/paypal-sdk
mkdir -p "$work"
# An address of an earlier run must not be taken for this one.
rm -f "$work/address"

[ -d "$here/node_modules/@paypal/payouts-sdk" ] || (cd "$here" && npm ci --silent)

"$target/debug/paypal-standin" --listen 127.0.0.1:0 >"$work/address" 2>/dev/null &
standin=$!
trap 'kill "$standin" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  [ -s "$work/address" ] && break
  sleep 0.1
done
PAYPAL_URL=$(cat "$work/address")
export PAYPAL_URL
[ -n "$PAYPAL_URL" ] || { echo "the stand-in did not start" >&2; exit 1; }

cd "$here"
node --test sdk.test.mjs
