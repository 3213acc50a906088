#!/bin/sh
# Builds the pixel into pixel/dist: compile to wasm, wasm-bindgen, wasm-opt, minify, compress.
#
#   scripts/pixel.sh           build when something changed, print the sizes
#   scripts/pixel.sh --force   build anyway
#
# Fast when nothing changed: a stamp holds the hash of everything that goes in.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'pixel: %s\n' "$*"; }

stamp=pixel/dist/.stamp
inputs() {
    find pixel/src pixel/wire/src pixel/loader pixel/build -type f
    printf '%s\n' pixel/Cargo.toml pixel/wire/Cargo.toml pixel/package-lock.json scripts/pixel.sh Cargo.toml
}
# Of Cargo.lock only what the pixel is made of counts: another crate's update is no reason to build.
hash=$({
    inputs | LC_ALL=C sort | xargs sha256sum
    grep -A 2 -E '^name = "(wasm-bindgen|web-sys|js-sys)' Cargo.lock
    rustc --version
} | sha256sum | cut -d ' ' -f 1)

table() {
    node -e '
        const m = JSON.parse(require("fs").readFileSync("pixel/dist/manifest.json"));
        const row = (a, b, c, d) => console.log(a.padEnd(26), ...[b, c, d].map((x) => String(x).padStart(8)));
        row("bytes", "raw", "gzip", "brotli");
        for (const [name, s] of Object.entries(m.files)) row(name, s.raw_bytes, s.gzip_bytes, s.brotli_bytes);
        row("normal path", "", "of " + m.brotli_bytes_max, m.brotli_bytes);'
}

if [ "${1-}" != --force ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then
    say 'nothing changed'
    table
    exit
fi

command -v node >/dev/null || { say 'node is missing: install Node.js 20 or newer (Debian: apt-get install nodejs npm)'; exit 1; }
if ! [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
    command -v rustup >/dev/null || { say 'the wasm target is missing, and so is rustup to add it: see https://rustup.rs'; exit 1; }
    say 'adding the wasm target'
    rustup target add wasm32-unknown-unknown
fi
if ! cmp -s pixel/package-lock.json pixel/node_modules/.tributary-lock; then
    say 'installing wasm-opt and the minifier'
    (cd pixel && npm ci --no-audit --no-fund --loglevel=error)
    cp pixel/package-lock.json pixel/node_modules/.tributary-lock
fi

target=${CARGO_TARGET_DIR:-target}
say 'compiling to wasm'
# Without reference types and multivalue, so that the same module can also be turned into JavaScript. A stack of
# 4 KiB in place of 1 MiB: smaller addresses, smaller memory.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS='-C target-cpu=mvp -C target-feature=+bulk-memory,+sign-ext,+mutable-globals,+nontrapping-fptoint'
cargo rustc --quiet --package pixel --lib --crate-type cdylib --target wasm32-unknown-unknown --profile wasm -- \
    -C link-arg=-zstack-size=4096
say 'running wasm-bindgen (its first build takes a minute)'
rm -rf "$target/pixel-bound"
cargo run --quiet --package pixel-build -- "$target/wasm32-unknown-unknown/wasm/pixel.wasm" "$target/pixel-bound"
say 'making it small'
node pixel/build/pack.mjs "$target/pixel-bound"
printf '%s\n' "$hash" >"$stamp"
table
