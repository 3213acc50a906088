// Polar's official SDK against the stand-in: the current one (1.0.1) for the API and both kinds of signature, the
// one before (0.49.0) because it checks every field of every answer and webhook.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createPolar, webhooks } from "@polar-sh/sdk/2026-10";
import { Polar as PreviousPolar } from "polar-sdk-previous";
import { validateEvent as previousValidateEvent } from "polar-sdk-previous/webhooks";

import { control, receiver, token, url } from "./standin.mjs";

const polar = createPolar({ accessToken: token, baseUrl: url });
const previous = new PreviousPolar({ accessToken: token, serverURL: url });
const legacySecret = "polar_whs_tests0000000000000000000000000000000000";
const kinds = [
  "checkout.created", "checkout.updated", "checkout.expired", "customer.created", "customer.updated",
  "customer.state_changed", "member.created", "order.created", "order.updated", "order.paid", "order.refunded",
  "subscription.created", "subscription.updated", "subscription.active", "subscription.canceled",
  "subscription.uncanceled", "subscription.cycled", "subscription.revoked", "subscription.past_due",
  "refund.created", "refund.updated",
];
// Types the previous SDK did not know yet.
const newSincePrevious = new Set(["subscription.cycled"]);

let standard, legacy, standardSecret;

before(async () => {
  standard = await receiver();
  legacy = await receiver();
  const endpoint = await polar.webhooks.createWebhookEndpoint({ url: standard.url, format: "raw", events: kinds });
  standardSecret = endpoint.secret;
  assert.match(standardSecret, /^whsec_/);
  // The public schema has no secret; merchants who brought their own sign the old way.
  const answer = await fetch(`${url}/v1/webhooks/endpoints`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ url: legacy.url, format: "raw", events: kinds, secret: legacySecret }),
  });
  assert.equal(answer.status, 201);
});

after(() => {
  standard.close();
  legacy.close();
});

/** Every page of a list. */
async function all(list, query) {
  const items = [];
  for (let page = 1; ; page += 1) {
    const answer = await list({ ...query, page, limit: 7 });
    items.push(...answer.items);
    if (page >= answer.pagination.max_page) {
      assert.equal(items.length, answer.pagination.total_count);
      return items;
    }
  }
}

test("a checkout made by the SDK is paid and found again", async () => {
  const products = await all((query) => polar.products.list(query));
  const monthly = products.find((product) => product.name.includes("monthly") && !product.trial_interval);
  const checkout = await polar.checkouts.create({
    products: [monthly.id],
    metadata: { tributary_visitor_id: "vis_01arz3ndektsv4rrffq69g5fav" },
    external_customer_id: "usr_sdk",
    customer_email: "sdk@example.com",
  });
  assert.equal(checkout.status, "open");
  assert.match(checkout.url, /\/checkout\/polar_c_/);
  const form = new URLSearchParams({ customer_email: "sdk@example.com", customer_name: "S", country: "DE" });
  const paid = await fetch(`${checkout.url}/confirm`, { method: "POST", body: form, redirect: "manual" });
  assert.equal(paid.status, 303);
  assert.equal((await polar.checkouts.get(checkout.id)).status, "succeeded");
  const [order] = await all((query) => polar.orders.list(query), { checkout_id: checkout.id });
  assert.equal(order.metadata.tributary_visitor_id, "vis_01arz3ndektsv4rrffq69g5fav");
  assert.equal(order.total_amount, order.net_amount + order.tax_amount);
  const customer = await polar.customers.getExternal("usr_sdk");
  assert.equal(customer.email, "sdk@example.com");
  const refund = await polar.refunds.create({ order_id: order.id, reason: "customer_request", amount: 500 });
  assert.equal(refund.status, "succeeded");
});

test("lists page through with both generations of the SDK", async () => {
  const purchases = Array.from({ length: 23 }, (_, n) => ({
    at: `2026-09-${String(n + 1).padStart(2, "0")}T10:00:00Z`,
    product: ["monthly", "yearly", "lifetime", "templates", "trial"][n % 5],
    email: `list-${n}@example.com`,
    country: ["US", "DE", "FR"][n % 3],
    refunds: n % 5 === 2 ? [{ at: "2026-10-20T10:00:00Z", amount: 1000 + n }] : [],
  }));
  await control("history", { purchases });
  await control("wait-idle");
  const orders = await all((query) => polar.orders.list(query), { sorting: ["created_at"] });
  assert.ok(orders.length >= 23);
  assert.deepEqual(orders.map((order) => order.created_at), orders.map((order) => order.created_at).sort());
  assert.ok((await all((query) => polar.subscriptions.list(query))).length >= 10);
  assert.ok((await all((query) => polar.customers.list(query))).length >= 23);
  assert.ok((await all((query) => polar.refunds.list(query))).length >= 4);

  const count = async (pages) => {
    let items = 0;
    for await (const page of pages) items += page.result.items.length;
    return items;
  };
  assert.equal(await count(await previous.orders.list({ limit: 7 })), orders.length);
  assert.ok((await count(await previous.subscriptions.list({ limit: 7 }))) >= 10);
  assert.ok((await count(await previous.customers.list({ limit: 7 }))) >= 23);
  assert.ok((await count(await previous.refunds.list({ limit: 7 }))) >= 4);
  assert.ok((await count(await previous.products.list({ limit: 7 }))) === 5);
  assert.ok((await count(await previous.checkouts.list({ limit: 7 }))) >= 23);
  assert.ok((await count(await previous.checkoutLinks.list({ limit: 7 }))) >= 5);
});

test("changes of plan, discounts, disputes and payments are what the SDK expects", async () => {
  const bought = await control("purchases", { product: "monthly", email: "plan@example.com", discount: "PARTNER20", country: "FR" });
  const [first] = await all((query) => polar.orders.list(query), { subscription_id: bought.subscription_id });
  assert.equal(first.net_amount, first.subtotal_amount - first.discount_amount);
  assert.equal(first.discount.code, "PARTNER20");
  const yearly = (await all((query) => polar.products.list(query))).find((product) => product.name.includes("yearly"));
  const changed = await polar.subscriptions.update(bought.subscription_id, { product_id: yearly.id, proration_behavior: "invoice" });
  assert.equal(changed.recurring_interval, "year");
  const orders = await all((query) => polar.orders.list(query), { subscription_id: bought.subscription_id });
  assert.deepEqual(orders.map((order) => order.billing_reason).sort(), ["subscription_create", "subscription_update"]);
  const { dispute_id } = await control(`orders/${first.id}/dispute`);
  await control(`disputes/${dispute_id}/lost`);
  const lost = (await all((query) => polar.disputes.list(query), { status: "lost" })).find(({ id }) => id === dispute_id);
  assert.equal(lost.order_id, first.id);
  assert.equal((await polar.subscriptions.get(bought.subscription_id)).status, "canceled");
  const payments = await all((query) => polar.payments.list(query), { order_id: first.id });
  assert.equal(payments[0].id, lost.payment_id);
  assert.ok((await all((query) => polar.discounts.list(query))).length >= 3);

  // The one before checks every field of every answer.
  const count = async (pages) => {
    let items = 0;
    for await (const page of pages) items += page.result.items.length;
    return items;
  };
  assert.ok((await count(await previous.orders.list({ limit: 50 }))) >= 2);
  assert.ok((await count(await previous.subscriptions.list({ limit: 50 }))) >= 1);
  assert.ok((await count(await previous.disputes.list({ limit: 50 }))) >= 1);
  assert.ok((await count(await previous.payments.list({ limit: 50 }))) >= 1);
  assert.ok((await count(await previous.discounts.list({ limit: 50 }))) >= 3);
});

test("errors are the SDK's own", async () => {
  await assert.rejects(polar.orders.get("6fd0f3a2-3a09-4f3a-8a55-0d7d3f4f3a11"), { statusCode: 404 });
  await assert.rejects(polar.checkouts.create({ products: [] }), { statusCode: 422 });
  await assert.rejects(createPolar({ accessToken: "polar_oat_no", baseUrl: url }).orders.list({}), { statusCode: 401 });
});

test("every webhook passes validateEvent, with both kinds of key", async () => {
  const one = await control("purchases", { product: "monthly", email: "hooks@example.com", country: "FR" });
  for (const action of ["renew", "fail-renewal", "recover", "cancel", "uncancel", "revoke"]) {
    await control(`subscriptions/${one.subscription_id}/${action}`);
  }
  const trial = await control("purchases", { product: "trial", email: "Hooks@example.com" });
  await control(`subscriptions/${trial.subscription_id}/convert-trial`);
  await control("purchases", { product: "templates", email: "declined@example.com", declined: true });
  const slow = await control(`orders/${one.order_ids[0]}/refund`, { amount: 700, pending: true });
  await control(`refunds/${slow.refund_id}/succeed`);
  await control(`refunds/${slow.refund_id}/fail`);
  const link = await fetch(`${url}/polar_cl_demo_yearly?utm_source=x`, { redirect: "manual" });
  assert.equal(link.status, 303);
  await control("clock/advance", { days: 2 });
  await control("wait-idle");

  const seen = new Set();
  for (const { body, headers } of standard.received) {
    const event = await webhooks.validateEvent(body, headers, standardSecret);
    seen.add(event.type);
  }
  assert.deepEqual([...seen].sort(), [...kinds].sort());

  assert.equal(legacy.received.length, standard.received.length);
  for (const { body, headers } of legacy.received) {
    await webhooks.validateEvent(body, headers, legacySecret);
    const { type } = JSON.parse(body);
    if (!newSincePrevious.has(type)) {
      assert.equal(previousValidateEvent(body, headers, legacySecret).type, type);
    }
  }
  const { body, headers } = standard.received[0];
  const tampered = Buffer.from(body.toString().replace("checkout", "order"));
  await assert.rejects(async () => webhooks.validateEvent(tampered, headers, standardSecret));
});
