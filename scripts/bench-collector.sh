#!/bin/sh
# The collector's figures: rows of `name | value | target`. BENCH_SECONDS sets the length of each run.
set -eu
cd "$(dirname "$0")/.."
exec cargo bench --quiet -p tributary --features bench --bench collector
