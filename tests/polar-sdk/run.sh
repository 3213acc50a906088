#!/bin/sh
# Starts the Polar stand-in on a free port, drives it with Polar's official SDKs (npm, and PyPI when python3 is
# there), and stops it. Needs node 20 or newer and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
cargo build --quiet -p polar-standin
target=${CARGO_TARGET_DIR:-$root/target}
work=$target/polar-sdk
mkdir -p "$work"
# An address of an earlier run must not be taken for this one.
rm -f "$work/address"

[ -d "$here/node_modules/polar-sdk-previous" ] || (cd "$here" && npm ci --silent)

"$target/debug/polar-standin" --listen 127.0.0.1:0 --seed 11 --rate-limit-per-minute 100000 --retry-scale 0.001 \
  >"$work/address" &
standin=$!
trap 'kill "$standin" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  [ -s "$work/address" ] && break
  sleep 0.1
done
POLAR_URL=$(cat "$work/address")
export POLAR_URL
[ -n "$POLAR_URL" ] || { echo "the stand-in did not start" >&2; exit 1; }

cd "$here"
node --test sdk.test.mjs

# The Python SDK, in a virtual environment under target/; made once.
if command -v python3 >/dev/null; then
  if [ ! -x "$work/venv/bin/python" ] || ! "$work/venv/bin/python" -c 'import polar' 2>/dev/null; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check polar-sdk==1.0.2
  fi
  "$work/venv/bin/python" webhooks.py
fi
