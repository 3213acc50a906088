// Next.js (app router): save as app/api/checkout/route.ts. Needs `npm install @polar-sh/sdk`.

import { createPolar } from "@polar-sh/sdk/2026-10";

const polar = createPolar({
  accessToken: process.env.POLAR_TOKEN ?? "",
  // Only to try it on the stand-in; leave it out for Polar itself.
  ...(process.env.POLAR_URL ? { baseUrl: process.env.POLAR_URL } : {}),
});

// The only products this route sells; never take a price or an unknown product from the browser.
const PRODUCTS = new Set((process.env.POLAR_PRODUCTS ?? "").split(","));

export async function POST(request: Request): Promise<Response> {
  const { productId, metadata } = await request.json();
  if (!PRODUCTS.has(productId)) {
    return Response.json({ detail: "unknown product" }, { status: 422 });
  }
  // From tributary.checkoutMetadata(); left out when there is no consent or the pixel is blocked.
  const visitor = metadata?.tributary_visitor_id;
  const isVisitor = typeof visitor === "string" && /^vis_[A-Za-z0-9_-]{1,96}$/.test(visitor);
  const checkout = await polar.checkouts.create({
    products: [productId],
    metadata: isVisitor ? { tributary_visitor_id: visitor } : {},
    success_url: "https://shop.example.com/thanks?checkout_id={CHECKOUT_ID}",
  });
  return Response.json({ url: checkout.url });
}
