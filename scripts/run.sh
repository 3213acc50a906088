#!/usr/bin/env bash
# Builds and starts Tributary with its demo workspace, the shop and the Polar stand-in, prints their
# addresses, and stops all three on Ctrl-C. With --seed: sends 90 days of history first, once.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

server_port=${SERVER_PORT:-4600}
shop_port=${SHOP_PORT:-4601}
polar_port=${POLAR_PORT:-4602}
export TRIBUTARY_DATA_DIR=${TRIBUTARY_DATA_DIR:-$root/.data}
export TRIBUTARY_HTTP_LISTEN=127.0.0.1:$server_port
export TRIBUTARY_HTTP_PUBLIC_URL=http://localhost:$server_port
export TRIBUTARY_PIXEL_DIR=$root/pixel/dist
# The stand-in is on this machine.
export TRIBUTARY_OUTBOUND_ALLOWED_NETWORKS=${TRIBUTARY_OUTBOUND_ALLOWED_NETWORKS:-127.0.0.0/8,::1}
# Mails to partners are written into a folder.
export TRIBUTARY_MAIL_URL=${TRIBUTARY_MAIL_URL:-file:$TRIBUTARY_DATA_DIR/mails}
export TRIBUTARY_MAIL_FROM=${TRIBUTARY_MAIL_FROM:-Demo shop <partners@shop.example>}
export TRIBUTARY_LOG_FILTER=${TRIBUTARY_LOG_FILTER:-warn}

scripts/build-run.sh
bin=${CARGO_TARGET_DIR:-target}/demo
mkdir -p "$TRIBUTARY_DATA_DIR"

# The stand-in signs with this; made once, kept private.
secret_file=$TRIBUTARY_DATA_DIR/demo-webhook.secret
if [ ! -s "$secret_file" ]; then
    (umask 077 && printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64 -w0)" >"$secret_file")
fi

started=()
stop() {
    trap - EXIT INT TERM
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
}
trap stop EXIT
trap 'exit 0' INT TERM

# wait_for ADDRESS PROCESS NAME: until it answers, or the process is gone.
wait_for() {
    until curl -fsS -o /dev/null "$1" 2>/dev/null; do
        kill -0 "$2" 2>/dev/null || die "$3 did not start; its message is above"
        read -rt 0.05 <> <(:) || true
    done
}

begun=$(date +%s%N)
"$bin/tributary" demo prepare --polar "http://127.0.0.1:$polar_port" --webhook-secret "$(cat "$secret_file")" \
    --shop "http://localhost:$shop_port" >/dev/null
"$bin/tributary" serve &
server=$!
started+=("$server")
"$bin/polar-standin" --listen "127.0.0.1:$polar_port" \
    --webhook-url "http://127.0.0.1:$server_port/webhooks/polar/ws_demo" \
    --public-url "http://localhost:$polar_port" --success-url "http://localhost:$shop_port/thanks?checkout_id={CHECKOUT_ID}" \
    --webhook-secret "$(cat "$secret_file")" --state-file "$TRIBUTARY_DATA_DIR/polar-standin.json" &
polar=$!
started+=("$polar")
"$bin/shop" --listen "127.0.0.1:$shop_port" --public-url "http://localhost:$shop_port" \
    --collector-url "http://localhost:$server_port" --polar-url "http://localhost:$polar_port" &
shop=$!
started+=("$shop")
wait_for "http://127.0.0.1:$server_port/readyz" "$server" "the server"
wait_for "http://127.0.0.1:$polar_port/standin/clock" "$polar" "the Polar stand-in"
wait_for "http://127.0.0.1:$shop_port/" "$shop" "the shop"
say "ready in $((($(date +%s%N) - begun) / 1000000)) ms"

cat <<EOF

  Dashboard         $("$bin/tributary" login-link --workspace ws_demo)
  Shop              http://localhost:$shop_port/from
  Polar stand-in    http://localhost:$polar_port/standin/clock   (its API: examples/README.md)
  API               http://localhost:$server_port/docs   (key in $TRIBUTARY_DATA_DIR/demo.key)

EOF
if [ "${1:-}" = --seed ] && [ ! -e "$TRIBUTARY_DATA_DIR/demo.seeded" ]; then
    "$bin/tributary" demo seed --polar "http://127.0.0.1:$polar_port"
    touch "$TRIBUTARY_DATA_DIR/demo.seeded"
fi
partner=$("$bin/tributary" partner list | cut -f1 | sed -n 1p)
cat <<END
  Partner's pages   $("$bin/tributary" partner login-link "$partner")
                    or http://localhost:$server_port/partners (mails lie in ${TRIBUTARY_MAIL_URL#file:})

END
echo "Ctrl-C stops all three."
wait -n "${started[@]}"
die "one of the three processes ended; the others are being stopped"
