#!/usr/bin/env bash
# A purchase as a person makes it: ad, shop, checkout, report, in Chromium, against the real server with the
# embedded engine, the real pixel, the shop and the Polar stand-in. Screenshots land in target/journey.
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
exec node --test purchase.test.mjs
