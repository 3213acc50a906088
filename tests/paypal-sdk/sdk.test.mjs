// PayPal's own SDK for payouts (1.1.1) against the stand-in: tokens, batches, items, cancelling, and the refusal of a
// batch that was sent before.

import assert from "node:assert/strict";
import { test } from "node:test";

import paypal from "@paypal/payouts-sdk";

const url = process.env.PAYPAL_URL;
const { core, payouts } = paypal;

function client(id = "paypal-standin-client", secret = "paypal-standin-secret") {
  const environment = new core.SandboxEnvironment(id, secret);
  environment.baseUrl = url;
  return new core.PayPalHttpClient(environment);
}

async function standin(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/standin/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.text());
}

function batch(id, items) {
  const request = new payouts.PayoutsPostRequest();
  request.requestBody({
    sender_batch_header: { sender_batch_id: id, recipient_type: "EMAIL", email_subject: "Your commissions" },
    items: items.map(([receiver, value, currency = "USD"], at) => ({
      receiver, note: "Commissions", sender_item_id: `itm_${at}`, amount: { value, currency },
    })),
  });
  return request;
}

async function shown(http, id, page = 1, size = 1000) {
  const request = new payouts.PayoutsGetRequest(id);
  request.page(page);
  request.pageSize(size);
  request.totalRequired(true);
  return (await http.execute(request)).result;
}

test("a batch is taken, worked off and shown item by item", async () => {
  const http = client();
  await standin("receivers", { receiver: "bob@example.com", status: "UNCLAIMED", error: "RECEIVER_UNREGISTERED" });
  const sent = await http.execute(batch("pay_1", [["ann@example.com", "30.00"], ["bob@example.com", "6.50"]]));
  assert.equal(sent.statusCode, 201);
  const header = sent.result.batch_header;
  assert.equal(header.batch_status, "PENDING");
  assert.equal(header.sender_batch_header.sender_batch_id, "pay_1");
  const whole = await shown(http, header.payout_batch_id);
  assert.equal(whole.batch_header.batch_status, "SUCCESS");
  assert.deepEqual(whole.batch_header.amount, { currency: "USD", value: "36.50" });
  assert.deepEqual(whole.items.map((item) => item.transaction_status), ["SUCCESS", "UNCLAIMED"]);
  assert.deepEqual(whole.items[0].payout_item_fee, { currency: "USD", value: "0.60" });
  assert.equal(whole.items[1].errors.name, "RECEIVER_UNREGISTERED");
  assert.equal(whole.total_items, 2);
  assert.equal((await shown(http, header.payout_batch_id, 2, 1)).items[0].payout_item.receiver, "bob@example.com");

  const [ann, bob] = whole.items.map((item) => item.payout_item_id);
  assert.equal((await http.execute(new payouts.PayoutsItemGetRequest(ann))).result.payout_item.sender_item_id, "itm_0");
  const canceled = await http.execute(new payouts.PayoutsItemCancelRequest(bob));
  assert.equal(canceled.result.transaction_status, "RETURNED");
  await assert.rejects(http.execute(new payouts.PayoutsItemCancelRequest(ann)), { statusCode: 400 });
});

test("a batch sent before is refused with a link to the first", async () => {
  const http = client();
  const first = await http.execute(batch("pay_2", [["ann@example.com", "1.00"]]));
  await assert.rejects(http.execute(batch("pay_2", [["ann@example.com", "1.00"]])), (error) => {
    assert.equal(error.statusCode, 400);
    const body = JSON.parse(error.message);
    assert.equal(body.name, "USER_BUSINESS_ERROR");
    assert.equal(body.details[0].field, "SENDER_BATCH_ID");
    assert.ok(body.details[0].link[0].href.endsWith(`/v1/payments/payouts/${first.result.batch_header.payout_batch_id}`));
    return true;
  });
});

test("what PayPal would not take is refused in its words", async () => {
  const http = client();
  const name = (wanted, status) => (error) => {
    assert.equal(error.statusCode, status);
    assert.equal(JSON.parse(error.message).name, wanted);
    return true;
  };
  for (const items of [[], [["nobody", "1.00"]], [["a@example.com", "1.005"]], [["a@example.com", "1.50", "JPY"]]]) {
    await assert.rejects(http.execute(batch("pay_3", items)), name("VALIDATION_ERROR", 400));
  }
  await assert.rejects(shown(http, "NOSUCHBATCH"), name("INVALID_RESOURCE_ID", 404));
  await standin("faults", { refuses: { status: 422, name: "INSUFFICIENT_FUNDS" } });
  await assert.rejects(http.execute(batch("pay_4", [["a@example.com", "1.00"]])), name("INSUFFICIENT_FUNDS", 422));
  // Of another name: the SDK keeps the token of a client id it knows.
  await assert.rejects(client("nobody", "wrong").execute(batch("pay_5", [["a@example.com", "1.00"]])), { statusCode: 401 });
});
