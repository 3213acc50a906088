#!/usr/bin/env bash
# A first connection's import: 100,000 orders with their subscriptions and customers from the Polar stand-in, until every
# order is credited. Prints rows `name | value | reach`. The server is killed (-9) in the middle and started again; the
# time counts both lives. Afterwards our books are compared with the stand-in's own lists.
# Arguments: orders (default 100000). Polar itself allows 500 calls a minute: there the calls alone take minutes.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

orders=${1:-100000}
cargo build --quiet --release -p tributary -p polar-standin
bin=${CARGO_TARGET_DIR:-target}/release
data=$(mktemp -d)
server=
export TRIBUTARY_DATA_DIR=$data TRIBUTARY_HTTP_LISTEN=127.0.0.1:4693 TRIBUTARY_LOG_FILTER=warn
export TRIBUTARY_POLL_REQUESTS_PER_MINUTE=10000000 TRIBUTARY_OUTBOUND_ALLOWED_NETWORKS=127.0.0.0/8 TRIBUTARY_RATES_URL=
base=http://$TRIBUTARY_HTTP_LISTEN polar=http://127.0.0.1:4694
"$bin/polar-standin" --listen 127.0.0.1:4694 --seed 1 --rate-limit-per-minute 1000000000 >/dev/null &
standin=$!
trap 'kill $server "$standin" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$data"' EXIT

# until_up URL PID
until_up() {
    for _ in $(seq 200); do
        curl -fs -o /dev/null "$1" && return
        kill -0 "$2" 2>/dev/null || die "$1: the process ended"
        sleep 0.1
    done
    die "$1 does not answer"
}
until_up "$polar/standin/clock" "$standin"

# Of every ten orders nine are a subscription's: its first and two renewals. In calls of two thousand purchases.
subscriptions=$((orders * 3 / 10)) once=$((orders / 10))
began=$SECONDS
awk -v subscriptions="$subscriptions" -v once="$once" -v first="$(date -u -d '-70 days' +%s)" '
    function purchase(n, product) {
        printf "%s{\"product\":\"%s\",\"email\":\"buyer-%d@example.com\",\"country\":\"DE\",\"at\":\"%s\"}",
            held ? "," : "{\"only\":[],\"purchases\":[", product, n, strftime("%Y-%m-%dT%H:%M:%SZ", first + n * 17, 1)
        if (++held == 2000) { print "]}"; held = 0 }
    }
    BEGIN {
        for (n = 0; n < subscriptions; n++) purchase(n, "monthly")
        for (n = subscriptions; n < subscriptions + once; n++) purchase(n, n % 2 ? "lifetime" : "templates")
        if (held) print "]}"
    }' | while IFS= read -r line; do
    printf '%s' "$line" | curl -fs -o /dev/null --data-binary @- "$polar/standin/history"
done
total=$(curl -fs -H "Authorization: Bearer polar_oat_standin_demo" "$polar/v1/orders/?limit=1" | sed 's/.*"total_count":\([0-9]*\).*/\1/')
say "the stand-in holds $total orders, seeded in $((SECONDS - began)) s" >&2

# Megabytes the program itself holds: mimalloc keeps to addresses of eleven digits and less, the engine's allocator and
# the files of code lie above.
own_memory() {
    awk '/^[0-9a-f]+-/ { own = index($1, "-") <= 12 && $6 !~ /^\// } /^Rss:/ && own { sum += $2 } END { print int(sum / 1024) }' \
        "/proc/$server/smaps"
}
memory() { awk -v field="$1:" '$1 == field { print int($2 / 1024) }' "/proc/$server/status"; }
serve() {
    "$bin/tributary" serve 2>>"$data/log" &
    server=$!
    until_up "$base/readyz" "$server"
}
"$bin/tributary" workspace create ws_import >/dev/null
key=$("$bin/tributary" key create --workspace ws_import --name "bench import" --scope read)
ask() { curl -fs -H "Authorization: Bearer $key" "$base$1"; }
number() { sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
serve
before=$(memory VmRSS)
"$bin/tributary" connection add polar --workspace ws_import --environment "$polar" \
    --webhook-secret unused --token polar_oat_standin_demo >/dev/null 2>&1
start=$(date +%s%N)
peak=0 own_peak=0
killed=
while :; do
    connection=$(ask /v1/connections)
    read=$(number read <<<"$connection")
    now=$(memory VmHWM)
    [ "$now" -gt "$peak" ] && peak=$now
    own=$(own_memory)
    [ "$own" -gt "$own_peak" ] && own_peak=$own
    if [ -z "$killed" ] && [ "${read:-0}" -gt $((total / 2)) ]; then
        kill -9 "$server"
        wait "$server" 2>/dev/null || true
        killed=$read
        serve
        continue
    fi
    if [[ $connection == *'"standing":"idle"'* ]]; then
        imported=${imported:-$(date +%s%N)}
        [ "$(ask /v1/reconcile | number subjects)" = 0 ] && break
    fi
    kill -0 "$server" || die "the server ended"
    sleep 0.3
done
end=$(date +%s%N)
seconds() { awk -v ns="$1" 'BEGIN { printf "%.0f", ns / 1e9 }'; }
printf 'import of %s orders, lists read and kept | %s s | ≤ 180 s\n' "$total" "$(seconds $((imported - start)))"
printf 'import of %s orders, every order credited | %s s | ≤ 180 s\n' "$total" "$(seconds $((end - start)))"
printf 'import, memory of its own, without the engine: most seen | %s MB | ≤ 300 MB\n' "$own_peak"
printf 'import, the whole process above its start with an empty engine | %s MB | -\n' "$((peak - before))"
wrong=0
books=$("$bin/tributary" reconcile --provider --since "$(date -u -d '-75 days' +%F)" --json | tail -n 1) || wrong=1
printf 'import killed (-9) after %s objects: books beside the lists | %s orders, exact: %s | exact: true\n' \
    "$killed" "$(number orders <<<"$books")" "$(sed 's/.*"exact":\([a-z]*\).*/\1/' <<<"$books")"
printf 'import, warnings and errors in the log | %s | 0\n' "$(grep -cE 'WARN|ERROR' "$data/log" || true)"
grep -E 'WARN|ERROR' "$data/log" | head -n 5 >&2 || true
exit "$wrong"
