#!/usr/bin/env bash
# One archive with program, engine library and pixel that runs from any folder.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
say "building the release"
cargo build --release -p tributary
version=$(cargo metadata --no-deps --format-version 1 |
    node -e 'let s="";process.stdin.on("data",d=>s+=d).on("end",()=>console.log(JSON.parse(s).packages.find(p=>p.name==="tributary").version))')
name="tributary-$version-linux-$(uname -m)"
folder="dist/$name"
rm -rf "$folder"
mkdir -p "$folder/lib"
cp "${CARGO_TARGET_DIR:-target}/release/tributary" "$folder/"
cp -L .engine/libchdb.so "$folder/lib/"
cp -R pixel/dist "$folder/pixel"
cp server/tributary.default.toml README.md LICENSE-MIT LICENSE-APACHE "$folder/"
say "packing"
tar -C dist -czf "dist/$name.tar.gz" "$name"
say "dist/$name.tar.gz ($(du -h "dist/$name.tar.gz" | cut -f1))"
