#!/usr/bin/env bash
# Installs what is missing to build and run: the engine library, the wasm target, the pixel's tools.
# With --tests also what only the tests need: Chromium, Python, strace.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

have cargo || die "cargo is missing; install Rust 1.95 or newer with rustup (https://rustup.rs)"
need_command gcc gcc
need_command make make
need_command node nodejs
need_command npm npm
node_major=$(node -p 'process.versions.node.split(".")[0]')
[ "$node_major" -ge 20 ] ||
    die "node $(node --version) is too old: 20 or newer is needed (Debian 12's own is 18; https://nodejs.org/en/download has newer ones)"
need_command tar tar
need_command curl curl
scripts/engine-library.sh
scripts/pixel.sh
if [ "${1:-}" = --tests ]; then
    need_command python3 python3
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv
    need_command chromium chromium
    need_command strace strace
fi
