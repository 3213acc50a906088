// Express: POST /api/checkout. Needs `npm install express`.

import express from "express";

import { createCheckout } from "./fetch.mjs";

const app = express();
// The only products this route sells; never take a price or an unknown product from the browser.
const PRODUCTS = new Set((process.env.POLAR_PRODUCTS ?? "").split(","));

app.post("/api/checkout", express.json(), async (request, response) => {
  const { productId, metadata } = request.body ?? {};
  if (!PRODUCTS.has(productId)) return response.status(422).json({ detail: "unknown product" });
  try {
    const url = await createCheckout({
      productId,
      metadata,
      successUrl: "https://shop.example.com/thanks?checkout_id={CHECKOUT_ID}",
    });
    response.json({ url });
  } catch {
    response.status(502).json({ detail: "the checkout could not be opened" });
  }
});

app.listen(process.env.PORT ?? 3000);
