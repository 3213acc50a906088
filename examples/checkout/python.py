"""Makes a Polar checkout with Python's standard library. Call `create_checkout` from any framework's view."""

import json
import os
import re
import urllib.request

POLAR_URL = os.environ.get("POLAR_URL", "https://api.polar.sh")


def tributary_metadata(given: dict) -> dict:
    """Only what Tributary needs, and only if it looks right: the browser's word is not to be trusted with more."""
    visitor = (given or {}).get("tributary_visitor_id")
    if isinstance(visitor, str) and re.fullmatch(r"vis_[A-Za-z0-9_-]{1,96}", visitor):
        return {"tributary_visitor_id": visitor}
    return {}


def create_checkout(product_id: str, metadata: dict, success_url: str) -> str:
    """The address of the checkout page.

    `metadata` is what `tributary.checkoutMetadata()` answered in the browser; `success_url` may contain
    `{CHECKOUT_ID}`. Raises `urllib.error.HTTPError` when Polar refuses.
    """
    body = {
        "products": [product_id],
        "metadata": tributary_metadata(metadata),
        "success_url": success_url,
    }
    request = urllib.request.Request(
        f"{POLAR_URL}/v1/checkouts/",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['POLAR_TOKEN']}",
            "Content-Type": "application/json",
            # Pinned: an unpinned client changes contract every quarter.
            "Polar-Version": "2026-10",
            "User-Agent": "shop",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["url"]
