"""Polar's official Python SDK 1.0.2 reads every webhook the stand-in sends, with both kinds of key.

Skipped is one known fault of that SDK: it cannot parse customer.state_changed while a subscription is active.
"""

import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from polar.v2026_10 import webhooks

URL = os.environ["POLAR_URL"]
LEGACY_SECRET = "polar_whs_python00000000000000000000000000000000000"
KINDS = [
    "checkout.created", "checkout.updated", "customer.created", "customer.updated", "member.created",
    "order.created", "order.updated", "order.paid", "order.refunded", "subscription.created",
    "subscription.updated", "subscription.active", "subscription.canceled", "subscription.uncanceled",
    "subscription.cycled", "subscription.revoked", "subscription.past_due", "refund.created", "refund.updated",
]


def post(path, body):
    request = urllib.request.Request(
        URL + path, json.dumps(body).encode(), {"Authorization": "Bearer polar_oat_standin_demo"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def receiver():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/", received


standard_url, standard = receiver()
legacy_url, legacy = receiver()
endpoint = post("/v1/webhooks/endpoints", {"url": standard_url, "format": "raw", "events": KINDS})
post("/v1/webhooks/endpoints", {"url": legacy_url, "format": "raw", "events": KINDS, "secret": LEGACY_SECRET})

bought = post("/standin/purchases", {"product": "monthly", "email": "python@example.com", "country": "FR"})
for action in ["renew", "fail-renewal", "recover", "cancel", "uncancel", "revoke"]:
    post(f"/standin/subscriptions/{bought['subscription_id']}/{action}", {})
trial = post("/standin/purchases", {"product": "trial", "email": "Python@example.com"})
post(f"/standin/subscriptions/{trial['subscription_id']}/convert-trial", {})
slow = post(f"/standin/orders/{bought['order_ids'][0]}/refund", {"amount": 700, "pending": True})
post(f"/standin/refunds/{slow['refund_id']}/succeed", {})
post("/standin/wait-idle", {})

seen = set()
for received, secret in [(standard, endpoint["secret"]), (legacy, LEGACY_SECRET)]:
    for body, headers in received:
        seen.add(webhooks.validate_event(body, headers, secret).type)
missing = set(KINDS) - seen
assert not missing, f"never sent: {sorted(missing)}"
print(f"python: {len(standard) + len(legacy)} webhooks of {len(seen)} types accepted")
