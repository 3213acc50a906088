#!/bin/sh
# Runs the official Python and Node clients against an engine at a URL (`tributary engine --listen`, or the engine
# crate's `listen` example). Their packages are installed under target/ once.
set -eu

url=${1:?"usage: $0 http://127.0.0.1:PORT"}
here=$(cd "$(dirname "$0")" && pwd)
packages=$(cd "$here/../.." && pwd)/target/engine-clients
mkdir -p "$packages"

venv="$packages/venv"
if ! cmp -s "$here/python/requirements.txt" "$venv/installed.txt"; then
    echo 'engine clients: installing clickhouse-connect'
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
    cp "$here/python/requirements.txt" "$venv/installed.txt"
fi

node="$packages/node"
mkdir -p "$node"
if ! cmp -s "$here/node/package-lock.json" "$node/installed.json"; then
    echo 'engine clients: installing @clickhouse/client'
    cp "$here/node/package.json" "$here/node/package-lock.json" "$here/node/.npmrc" "$node/"
    (cd "$node" && npm ci --silent --no-audit --no-fund --ignore-scripts)
    cp "$here/node/package-lock.json" "$node/installed.json"
fi
# Modules are looked up from the script's own folder.
cp "$here/node/check.mjs" "$node/check.mjs"

failed=0
"$venv/bin/python" "$here/python/check.py" "$url" || failed=1
node "$node/check.mjs" "$url" || failed=1
exit "$failed"
