// Makes a Polar checkout with plain fetch (node 18 or newer, Bun, Deno, Workers).

const POLAR_URL = process.env.POLAR_URL ?? "https://api.polar.sh";

/** Only what Tributary needs, and only if it looks right: the browser's word is not to be trusted with more. */
export function tributaryMetadata(given) {
  const id = given?.tributary_visitor_id;
  return typeof id === "string" && /^vis_[A-Za-z0-9_-]{1,96}$/.test(id) ? { tributary_visitor_id: id } : {};
}

/** The address of the checkout page. `metadata` is what `tributary.checkoutMetadata()` answered in the browser. */
export async function createCheckout({ productId, metadata, successUrl }) {
  const answer = await fetch(`${POLAR_URL}/v1/checkouts/`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env.POLAR_TOKEN}`,
      "content-type": "application/json",
      // Pinned: an unpinned client changes contract every quarter.
      "polar-version": "2026-10",
    },
    body: JSON.stringify({
      products: [productId],
      metadata: tributaryMetadata(metadata),
      success_url: successUrl, // may contain {CHECKOUT_ID}
    }),
  });
  if (!answer.ok) throw new Error(`Polar answered ${answer.status}`);
  return (await answer.json()).url;
}
