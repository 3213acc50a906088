#!/bin/sh
# The pixel both ways beside other trackers' packages, in one Chromium: bytes, and script time of cold loads at full
# speed and at a quarter of it. LOADS=n for other than twelve loads each, PIXEL_SECONDS (150) when no more begin,
# UMAMI_SCRIPT=file to measure a built Umami tracker too.
set -eu
cd "$(dirname "$0")/.."
scripts/pixel.sh >&2
for folder in tests/browser tests/browser/bench; do
    if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.tributary-lock"; then
        (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
        cp "$folder/package-lock.json" "$folder/node_modules/.tributary-lock"
    fi
done
exec node tests/browser/bench/pixel.mjs
