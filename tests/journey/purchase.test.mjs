// From a newsletter to attributed revenue: the promise of the product, in a real browser.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, until, userAgent } from "./browser.mjs";
import { start } from "./stack.mjs";

const shots = fileURLToPath(new URL("../../target/journey/", import.meta.url));
let stack, browser;

before(async () => {
  mkdirSync(shots, { recursive: true });
  stack = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

// Opens a shop page and waits until the collector has taken its hit.
async function arrive(page, path, referer) {
  const taken = page.waitForResponse((r) => r.url() === `${stack.server}/c` && r.status() === 202);
  await page.goto(stack.shop + path, referer ? { referer } : {});
  await taken;
}

const money = (rows, key, value) => rows.find((row) => row[key] === value)?.revenue.net ?? 0;

test("a newsletter reader who comes back by search and buys is credited exactly and explained", async () => {
  const context = await browser.newContext({ userAgent, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));

  await arrive(page, "/?utm_source=newsletter&utm_medium=email&utm_campaign=issue-7");
  await page.screenshot({ path: `${shots}shop.png` });
  await arrive(page, "/pricing", "https://www.google.com/");

  const cookie = (await context.cookies()).find((c) => c.name === "_trb");
  assert.match(cookie.value, /^vis_[0-9a-z]{26}_/, "the collector signed the visitor id");
  assert.ok(cookie.expires > Date.now() / 1000 + 399 * 86_400, "and set it for 400 days by its own header");

  await page.click('a[data-plan="monthly"]');
  await page.waitForSelector('input[name="customer_email"]');
  await page.screenshot({ path: `${shots}checkout.png` });
  await page.fill('input[name="customer_email"]', "reader@customers.example");
  await page.fill('input[name="customer_name"]', "Rea Der");
  await page.click('button[type="submit"]');
  await page.waitForURL((url) => url.pathname === "/thanks");

  const report = (model) => stack.api(`/v1/reports/channels?model=${model}`);
  const sold = await until("the sale in the report", async () => {
    const answer = await report("last_non_direct");
    return money(answer.rows, "channel", "Organic Search") > 0 ? answer : null;
  });
  const net = money(sold.rows, "channel", "Organic Search");
  assert.equal(money(sold.rows, "channel", "Email"), 0);
  const [line] = sold.reconciliation;
  assert.deepEqual([line.provider_net, line.attributed, line.difference], [net, net, 0]);

  const first = await report("first_touch");
  assert.equal(money(first.rows, "channel", "Email"), net);
  const linear = await report("linear");
  const halves = [money(linear.rows, "channel", "Email"), money(linear.rows, "channel", "Organic Search")];
  assert.deepEqual(halves, [Math.floor(net / 2), Math.ceil(net / 2)], "the odd cent goes to the later touch");

  const { rows: orders } = await stack.api("/v1/orders");
  assert.equal(orders.length, 1);
  const explained = await stack.api(`/v1/orders/${orders[0].id}/explain`);
  assert.match(JSON.stringify(explained), /reference_id/, "matched by what the pixel put on the checkout link");
  const verified = await stack.api("/v1/verify");
  assert.equal(verified.passed, true, JSON.stringify(verified));

  await page.goto(stack.run("tributary", "login-link", "--workspace", "ws_demo"));
  await page.waitForSelector("text=Organic Search");
  await page.screenshot({ path: `${shots}report.png`, fullPage: true });
  await page.goto(`${stack.server}/orders/${orders[0].id}`);
  await page.waitForSelector("text=newsletter");
  await page.screenshot({ path: `${shots}order.png`, fullPage: true });
  assert.deepEqual(errors, [], "no script error on any page");
  await context.close();
});
