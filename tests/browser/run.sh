#!/bin/sh
# The pixel in a real browser: builds it, starts a recording collector, runs every *.test.mjs beside this file twice:
# on pages that allow wasm, and on pages whose policy refuses it, where the same rules run as JavaScript.
set -eu
cd "$(dirname "$0")"
../../scripts/pixel.sh
browser=${CHROMIUM:-/usr/bin/chromium}
[ -x "$browser" ] || { echo "Chromium is missing at $browser: install it (Debian: apt-get install chromium) or set CHROMIUM" >&2; exit 1; }
if ! cmp -s package-lock.json node_modules/.tributary-lock; then
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.tributary-lock
fi
echo 'with wasm'
node --test --test-timeout=60000 "$@"
echo 'without wasm'
TRIBUTARY_WASM=refused node --test --test-timeout=60000 "$@"
