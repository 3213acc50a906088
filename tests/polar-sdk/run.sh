#!/bin/sh
# Starts the Polar stand-in on a free port, drives it with Polar's official SDKs (npm, and PyPI when python3 is
# there), and stops it.
set -eu
. "$(dirname "$0")/../standin.sh"
start_standin polar-standin --seed 11 --rate-limit-per-minute 100000 --retry-scale 0.001
export POLAR_URL="$url"
run_tests_with polar-sdk-previous

# The Python SDK, in a virtual environment under target/; made once.
if command -v python3 >/dev/null; then
  if [ ! -x "$work/venv/bin/python" ] || ! "$work/venv/bin/python" -c 'import polar' 2>/dev/null; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check polar-sdk==1.0.2
  fi
  "$work/venv/bin/python" webhooks.py
fi
