#!/usr/bin/env bash
# Dependencies: licences, bans and sources by deny.toml, known vulnerabilities when their list can be fetched.
# `--installed` does nothing when cargo-deny is missing: building it takes about four minutes of processor time,
# too long for the fast loop.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

if ! cargo deny --version >/dev/null 2>&1; then
    if [ "${1:-}" = "--installed" ]; then
        say "dependencies: not checked, cargo-deny is not installed (make audit installs it)"
        exit 0
    fi
    say "installing cargo-deny"
    cargo install cargo-deny --version '^0.20' --locked --quiet
fi
say "dependencies: licences, bans, sources"
cargo deny --log-level error check bans licenses sources
[ "${1:-}" = "--installed" ] && exit 0
say "dependencies: known vulnerabilities"
if ! cargo deny --log-level error fetch db; then
    say "the list of vulnerabilities (RustSec) cannot be fetched from here: not checked"
    exit 0
fi
cargo deny --log-level error check --disable-fetch advisories
