// Values from outside that want to run: put into everything a visitor, a site or a provider controls, through the real
// doors, then every page of the dashboard is opened. Nothing runs, no policy is broken, the console stays empty.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, site, until, userAgent } from "./browser.mjs";
import { startServer } from "./stack.mjs";

const ATTACKS = [
  "<script>window.ran=1</script>",
  "\"><img src=x onerror=window.ran=2>",
  "javascript:window.ran=3",
  "'-(window.ran=4)-'",
  "</textarea></title></svg><svg/onload=window.ran=5>",
  "{{constructor.constructor('window.ran=6')()}}",
];
const shots = fileURLToPath(new URL("../../target/journey/", import.meta.url));
const paid = JSON.parse(readFileSync(new URL("../fixtures/polar/order.paid.json", import.meta.url)));
const PAGES_MAX = 150;

let stack, browser, shop;

before(async () => {
  mkdirSync(shots, { recursive: true });
  stack = await startServer(["localhost"]);
  browser = await launch();
  shop = await site(() => `<!doctype html><title>shop</title>
    <script async src="${stack.server}/p.js" data-workspace="ws_sites"></script>`);
});

after(async () => {
  await browser?.close();
  await shop?.stop();
  await stack?.stop();
});

/** A visit whose every part attacks; returns the visitor. */
async function visit(attack) {
  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  const names = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "ref", "via", "gclid"];
  const query = names.map((name) => `${name}=${encodeURIComponent(attack)}`).join("&");
  const taken = page.waitForResponse((answer) => answer.url() === `${stack.server}/c`);
  await page.goto(`http://localhost:${shop.port}/${encodeURIComponent(attack)}?${query}`);
  const { visitor } = await (await taken).json();
  const events = page.waitForResponse((answer) => /identify/.test(answer.request().postData() ?? ""));
  await page.evaluate((attack) => {
    tributary.track(attack, { [attack]: attack });
    tributary.identify({ email: `"${attack.replace(/[\s"]/g, "")}"@evil.example`, userId: attack, traits: { [attack]: attack } });
  }, attack);
  await events;
  await context.close();
  return visitor;
}

/** A hit as no browser would send it: nothing is escaped. */
const raw = (attack, number) => ({
  ws: "ws_sites",
  kind: "page",
  id: `01k6f0000000000000000020${String(number).padStart(2, "0")}`,
  session: `01k6f0000000000000000030${String(number).padStart(2, "0")}`,
  visitor: `vis_01k6f0000000000000000040${String(number).padStart(2, "0")}`,
  touch: "session",
  url: `http://localhost/${attack}?utm_source=${attack}&utm_campaign=${attack}#${attack}`,
  ref: `https://evil.example/${attack}`,
  at: Date.now(),
  width: 1280,
  consent: "granted",
});

/** An order of the visitor, with the attack wherever Polar has text. */
function order(attack, number, visitor) {
  const event = structuredClone(paid);
  const uuid = (kind) => `${kind}0000000-0000-4000-8000-0000000000${String(number).padStart(2, "0")}`;
  const now = new Date().toISOString();
  event.timestamp = now;
  const { data } = event;
  Object.assign(data, {
    id: uuid("d"), created_at: now, modified_at: now, billing_name: attack, invoice_number: attack,
    billing_reason: "purchase", subscription_id: null, subscription: null, checkout_id: null,
    customer_id: uuid("c"), product_id: uuid("b"),
    metadata: { tributary_visitor_id: visitor, [attack.slice(0, 40)]: attack },
  });
  Object.assign(data.customer, { id: uuid("c"), name: attack, external_id: attack, email: "x@evil.example" });
  Object.assign(data.product, { id: uuid("b"), name: attack, description: attack });
  Object.assign(data.discount, { name: attack, code: attack });
  return event;
}

const headers = {
  "content-type": "text/plain", origin: "http://localhost", "user-agent": userAgent,
  "accept-language": "en", "sec-fetch-site": "same-site",
};

/** A hit that is refused, and counted as that. */
async function refused() {
  const crawler = { ...headers, "user-agent": "Googlebot/2.1 <script>window.ran=7</script>" };
  await fetch(`${stack.server}/c`, { method: "POST", headers: crawler, body: JSON.stringify(raw(ATTACKS[0], 50)) });
  await until("the refused hit", async () => {
    const { rows } = await stack.api("/v1/reports/rejects?period=today");
    return rows.some((row) => row.reason === "bot");
  });
}

/** Opens pages in a browser that notes all that should not be. */
async function walker() {
  const context = await browser.newContext({ userAgent, viewport: { width: 1280, height: 900 } });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error("refused:", event.violatedDirective, event.blockedURI));
  });
  const page = await context.newPage();
  const wrong = [];
  const note = (what) => wrong.push(`${page.url()}: ${what}`);
  page.on("pageerror", (error) => note(`error ${error.message}`));
  page.on("dialog", (dialog) => (note(`dialog ${dialog.message()}`), dialog.dismiss()));
  page.on("console", (line) => {
    // A page that says what is missing answers 400 or 404, and Chromium remarks on it.
    if (line.type() === "error" && !/status of 40[04]/.test(line.text())) note(line.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== stack.server) note(`asked for ${request.url()}`);
  });
  const open = async (path) => {
    await page.goto(stack.server + path);
    // The part that is read after the rest.
    await page.waitForFunction(() => !document.querySelector("[aria-busy]"));
    const ran = await page.evaluate(() => window.ran);
    if (ran !== undefined) note(`attack ${ran} ran`);
    const links = await page.$$eval("a[href]", (all) => all.map((link) => link.getAttribute("href")));
    for (const link of links) if (!/^(\/|#|\?|https?:)/.test(link)) note(`a link to ${link}`);
    return links.filter((link) => link.startsWith("/") && !link.startsWith("/v1/"));
  };
  return { context, page, wrong, open };
}

test("nothing that came from outside runs on any page of the dashboard", async () => {
  for (const [number, attack] of ATTACKS.entries()) {
    const visitor = await visit(attack);
    await stack.sell(order(attack, number, visitor));
  }
  const hits = ATTACKS.map(raw);
  const answer = await fetch(`${stack.server}/c`, { method: "POST", headers, body: JSON.stringify(hits) });
  assert.ok(answer.status < 500, `${answer.status}`);
  await refused();
  const rows = await until("the sales in the report", async () => {
    const { rows } = await stack.api("/v1/reports/channels?group_by=campaign&period=today");
    // A parameter that looks like a template nobody filled in counts as none.
    const campaigns = ATTACKS.map((attack) => (attack.startsWith("{{") ? "" : attack));
    return campaigns.every((campaign) => rows.some((row) => row.campaign === campaign && row.revenue.net > 0)) && rows;
  });
  assert.ok(rows.length >= ATTACKS.length);
  const { context, page, wrong, open } = await walker();
  await page.goto(stack.run("tributary", "login-link", "--workspace", "ws_sites"));
  const { rows: orders } = await stack.api("/v1/orders");
  assert.equal(orders.length, ATTACKS.length);
  const groups = ["channel", "source", "medium", "campaign", "landing_page", "referrer", "country", "device", "partner", "product"];
  const waiting = [
    "/", "/docs", "/login", "/not-counted?period=today", "/no-such-page",
    ...orders.map((one) => `/orders/${one.id}`),
    ...groups.map((group) => `/?period=today&group_by=${group}`),
    ...ATTACKS.flatMap((attack) => {
      const text = encodeURIComponent(attack);
      return [
        `/?model=${text}`, `/?group_by=${text}`, `/?from=${text}&to=${text}`, `/?${text}=${text}`,
        `/?period=today&filter[campaign]=${text}`, `/?filter_by=campaign&filter_how=not&filter_value=${text}`,
        `/orders/${text}`, `/login?next=${text}`, `/not-counted?model=${text}`, `/not-counted?period=${text}`,
      ];
    }),
  ];
  // Then what the pages lead to, each kind of question once.
  const shape = (path) => {
    const { pathname, searchParams } = new URL(path, stack.server);
    return `${pathname}?${[...searchParams].map(([name, value]) => (/^filter/.test(name) ? `${name}=${value}` : name)).sort()}`;
  };
  const seen = new Set();
  let opened = 0;
  for (const path of waiting) {
    const links = await open(path);
    opened += 1;
    for (const link of links) {
      if (seen.has(shape(link)) || waiting.length >= PAGES_MAX) continue;
      seen.add(shape(link));
      waiting.push(link);
    }
  }
  assert.ok(opened > 90, `${opened} pages`);
  assert.deepEqual(wrong, []);
  await open("/?period=today&group_by=campaign");
  const shown = await page.textContent("main");
  for (const attack of ATTACKS) assert.ok(shown.includes(attack), `${attack} is shown as text`);
  await context.close();
});

test("what was not counted is said on the first page: while it is read, when it cannot be, and when there is none", async () => {
  await refused();
  const { context, page, wrong } = await walker();
  const link = stack.run("tributary", "login-link", "--workspace", "ws_sites");
  await page.goto(link);
  const block = page.locator("#not-counted");
  for (const [size, viewport] of [["desktop", { width: 1280, height: 900 }], ["phone", { width: 390, height: 844 }]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const shoot = (state) => block.screenshot({ path: `${shots}not-counted-${state}-${size}-${colorScheme}.png` });
      let answer;
      await page.route("**/not-counted?*", (route) => new Promise((done) => (answer = (how) => done(how(route)))));
      await page.goto(`${stack.server}/?period=today`);
      await page.waitForSelector("#not-counted[aria-busy]");
      await block.getByText("Counting").waitFor();
      await shoot("loading");
      await until("the request", () => answer);
      await answer((route) => route.abort());
      await block.getByRole("alert").waitFor();
      await shoot("error");
      await page.unroute("**/not-counted?*");
      await block.getByRole("button", { name: "Try again" }).click();
      await block.getByText("is a crawler").waitFor();
      await shoot("reasons");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${size}: the page is ${wide} px too wide`);
      await page.goto(`${stack.server}/?period=last_month`);
      await block.getByText("No hits came in").waitFor();
      await shoot("empty");
    }
  }
  assert.deepEqual(wrong.filter((what) => !/ERR_FAILED/.test(what)), []);
  await context.close();
});
