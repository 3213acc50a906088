// From a partner's link to what the partner sees: a visit, a purchase, a renewal and a partial refund in a real browser and
// at the Polar stand-in; the merchant's API and the partner's own pages tell the same commission, to the cent.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, until, userAgent } from "./browser.mjs";
import { start } from "./stack.mjs";

const shots = fileURLToPath(new URL("../../target/journey/", import.meta.url));
const PAGES = { home: "", links: "/links", commissions: "/commissions", customers: "/customers", payouts: "/payouts", assets: "/assets" };
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

const shown = (minor) => `${Math.trunc(minor / 100)}.${String(minor % 100).padStart(2, "0")} USD`;

/** Something happens at the Polar stand-in. */
async function atPolar(path, body) {
  const answer = await fetch(`${stack.polar}/standin/${path}`, body && {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

/** A person with a clean browser, and what went wrong on their pages. */
async function person(options) {
  const context = await browser.newContext({ userAgent, ...options });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error("refused:", event.violatedDirective, event.blockedURI));
  });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
  page.on("console", (line) => line.type() === "error" && wrong.push(`${page.url()}: ${line.text()}`));
  return { context, page, wrong };
}

test("what a reader of a partner's page pays earns the partner what both sides see", async () => {
  const reader = await person();
  const { page } = reader;
  const taken = page.waitForResponse((r) => r.url() === `${stack.server}/c` && r.status() === 202);
  await page.goto(`${stack.server}/r/jane`, { referer: "https://tools-weekly.example.org/" });
  await taken;
  assert.equal(new URL(page.url()).origin, stack.shop, "the link leads to the shop");
  await page.goto(`${stack.shop}/pricing`);
  await page.click('a[data-plan="monthly"]');
  await page.fill('input[name="customer_email"]', "reader@customers.example");
  await page.fill('input[name="customer_name"]', "Rea Der");
  await page.click('button[type="submit"]');
  await page.waitForURL((url) => url.pathname === "/thanks");
  await reader.context.close();

  const commissions = async () => (await stack.api("/v1/commissions")).rows;
  await until("the commission", async () => (await commissions()).length === 1);
  const { events } = await atPolar("events?type=subscription.created");
  const created = typeof events[0].body === "string" ? JSON.parse(events[0].body) : events[0].body;
  const renewed = await atPolar(`subscriptions/${created.data.id}/renew`, {});
  await until("the renewal", async () => (await commissions()).length === 2);
  await atPolar(`orders/${renewed.order_id}/refund`, { amount: 700 });
  const rows = await until("the refund", async () => {
    const rows = await commissions();
    return new Set(rows.map((row) => row.balance.earned)).size === 2 && rows;
  });
  const { rows: orders } = await stack.api("/v1/orders");
  assert.equal(orders.length, 2);
  const earned = rows.map((row) => row.balance.earned).sort((one, other) => other - one);
  // Thirty percent of 19.00, and of what is left of it.
  assert.deepEqual(earned, [570, 360], JSON.stringify(rows));

  const partner = stack.run("tributary", "partner", "list").split("\n").find((line) => /Jane/.test(line)).split("\t")[0];
  const jane = await person({ viewport: { width: 390, height: 844 } });
  const pages = jane.page;
  await pages.goto(stack.run("tributary", "partner", "login-link", partner));
  await pages.click("text=Sign in");
  await pages.waitForSelector("text=Newest earnings");
  await pages.goto(`${stack.server}/partners/commissions`);
  const list = await pages.textContent("main");
  for (const minor of earned) assert.ok(list.includes(shown(minor)), `${shown(minor)} in ${list}`);
  assert.ok(list.includes(shown(earned[0] + earned[1])), "the sum is the sum");
  const refunded = rows.find((row) => row.balance.earned === 360);
  await pages.click(`a[href$="${refunded.id}"]`);
  const steps = await pages.textContent("main");
  for (const words of ["+5.70 USD", "\u22122.10 USD", "The customer got money back", "30 % of 19.00 USD"]) {
    assert.ok(steps.includes(words), `${words} in ${steps}`);
  }
  assert.ok(!/Rea Der|reader@/.test(steps + list), "nobody is named");
  await pages.screenshot({ path: `${shots}partner-commission-phone-light.png`, fullPage: true });

  for (const [size, viewport] of [["phone", { width: 390, height: 844 }], ["desktop", { width: 1280, height: 900 }]]) {
    await pages.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await pages.emulateMedia({ colorScheme });
      for (const [name, path] of Object.entries(PAGES)) {
        await pages.goto(`${stack.server}/partners${path}`);
        const wide = await pages.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name} ${size}: ${wide} px too wide`);
        await pages.screenshot({ path: `${shots}partner-${name}-${size}-${colorScheme}.png`, fullPage: true });
      }
    }
  }
  await pages.goto(`${stack.server}/partners/links`);
  assert.match(await pages.textContent("main"), /1 click in 30 days/);
  await pages.click("text=QR code");
  await pages.waitForFunction(() => document.querySelector(".qr img").naturalWidth > 100);
  await pages.click("text=Sign out");
  await pages.waitForSelector("text=Partner pages");
  assert.deepEqual(jane.wrong, []);
  await jane.context.close();
  const verified = await stack.api("/v1/verify");
  assert.equal(verified.passed, true, JSON.stringify(verified));
});
