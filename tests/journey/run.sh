#!/usr/bin/env bash
# In Chromium against the real server with the embedded engine and the real pixel: a purchase as a person makes it,
# from the ad through shop and checkout to the report; a visitor handed over between two sites; and a walk over the
# dashboard with values from outside that want to run.
set -euo pipefail
cd "$(dirname "$0")/../.."
browser=${CHROMIUM:-/usr/bin/chromium}
[ -x "$browser" ] || { echo "Chromium is missing at $browser: install it (Debian: apt-get install chromium) or set CHROMIUM" >&2; exit 1; }
scripts/pixel.sh
cargo build --quiet -p tributary -p shop -p polar-standin
# The browser driver is the one of tests/browser.
cd tests/browser
if ! cmp -s package-lock.json node_modules/.tributary-lock; then
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.tributary-lock
fi
cd ../journey
# One after the other: each has a server with an engine of its own.
exec node --test --test-concurrency=1
