#!/usr/bin/env bash
# The channels report over HTTP, on the data that scripts/bench-attribution.sh leaves: prints rows
# `name | value | target`. Arguments: the data directory (default target/bench-data), requests a figure.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

data=${1:-target/bench-data}
requests=${2:-40}
[ -d "$data" ] || { say "no data in $data: run scripts/bench-attribution.sh first"; exit 0; }
cargo build --quiet --release -p tributary
bin=${CARGO_TARGET_DIR:-target}/release

export TRIBUTARY_DATA_DIR=$data TRIBUTARY_HTTP_LISTEN=127.0.0.1:4691 TRIBUTARY_LOG_FILTER=error
base=http://$TRIBUTARY_HTTP_LISTEN
key=$("$bin/tributary" key create --workspace ws_bench --name "bench reports" --scope read)
"$bin/tributary" serve --role api &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    curl -fs -o /dev/null "$base/readyz" && break
    kill -0 "$server" 2>/dev/null || die "the server ended"
    sleep 0.1
done

# measure NAME TARGET QUERY: median and 99th percentile in milliseconds, after one request to warm up.
measure() {
    curl -fs -o /dev/null -H "Authorization: Bearer $key" "$base/v1/reports/channels?$3"
    for _ in $(seq "$requests"); do
        curl -fs -o /dev/null -w '%{time_total}\n' -H "Authorization: Bearer $key" "$base/v1/reports/channels?$3"
    done | sort -n | awk -v name="$1" -v target="$2" '
        { seconds[NR] = $1 }
        END {
            last = int(NR * 0.99 + 0.999)
            printf "%s | p50 %.0f ms, p99 %.0f ms | %s\n", name, seconds[int((NR + 1) / 2)] * 1000, seconds[last] * 1000, target
        }'
}

# The bench's history is the 300 days from 2026-01-01.
measure "channels report, 30 days" "p50 ≤ 150 ms" "from=2026-09-01&to=2026-09-30"
measure "channels report, whole range (300 days)" "p50 ≤ 150 ms" "from=2026-01-01&to=2026-12-31"
