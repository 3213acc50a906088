// A visitor goes from one of a merchant's sites to another, with no cookie in common: the real collector signs the
// token, checks it, and the arriving page becomes the same visitor.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, site, userAgent } from "./browser.mjs";
import { startServer } from "./stack.mjs";

let stack, browser, sites;

before(async () => {
  stack = await startServer(["a.localhost", "b.localhost"]);
  browser = await launch();
  // Each site loads the pixel from its own host, as behind a path of its own.
  sites = await site((host) => `<!doctype html><title>${host}</title>
    <script async src="http://${host}:${stack.port}/p.js" data-workspace="ws_sites"
      data-domains="a.localhost,b.localhost"></script>
    <a href="http://${host[0] === "a" ? "b" : "a"}.localhost:${sites.port}/there?x=1#y">over there</a>`);
});

after(async () => {
  await browser?.close();
  await sites?.stop();
  await stack?.stop();
});

const url = (host, path) => `http://${host}.localhost:${sites.port}${path}`;

/** Waits for a hit's answer while `act` is done: the visitor the collector told. */
async function told(page, act) {
  const taken = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/c");
  await act();
  const answer = await taken;
  assert.equal(answer.status(), 202, await answer.text());
  return { visitor: (await answer.json()).visitor, hit: JSON.parse(answer.request().postData()) };
}

const cookie = async (context, host) =>
  (await context.cookies()).find(({ name, domain }) => name === "_trb" && domain === `${host}.localhost`)?.value;

/** Goes over by the link, once the token for it has come. */
async function goOver(page) {
  const token = page.waitForResponse("**/c/handover");
  await page.hover("a");
  assert.equal((await token).status(), 200);
  // The answer is at hand a moment after it has arrived.
  await page.evaluate(() => new Promise((next) => setTimeout(next)));
  return told(page, () => page.click("a"));
}

test("the visitor of one site is the same on the other, and the token leaves the address", async () => {
  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  const { visitor } = await told(page, () => page.goto(url("a", "/?utm_source=news")));
  assert.match(visitor, /^vis_[0-9a-z]{26}_/);
  const { visitor: there, hit } = await goOver(page);
  assert.ok(hit.handover, "the hit carries the token");
  assert.equal(there, visitor);
  assert.equal(hit.url, url("b", "/there?x=1#y"), "and its address does not");
  assert.equal(page.url(), url("b", "/there?x=1#y"));
  assert.equal(await cookie(context, "b"), visitor);
  assert.equal(await page.evaluate(() => tributary.visitorId()), visitor);
  await context.close();
});

test("somebody known to both sites goes on as the one who came over", async () => {
  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  const { visitor: ofB } = await told(page, () => page.goto(url("b", "/")));
  const { visitor: ofA } = await told(page, () => page.goto(url("a", "/")));
  assert.notEqual(ofA, ofB);
  const { visitor } = await goOver(page);
  assert.equal(visitor, ofA);
  assert.equal(await cookie(context, "b"), ofA);
  await context.close();
});

test("a token that was tampered with changes nobody", async () => {
  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  const { visitor } = await told(page, () => page.goto(url("a", "/")));
  const { hit } = await goOver(page);
  const other = await browser.newContext({ userAgent });
  const victim = await other.newPage();
  const forged = hit.handover.replace(/\.([^.])([^.]*)$/, (_, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`);
  const { visitor: own, hit: sent } = await told(victim, () => victim.goto(url("b", `/?_trb=${forged}`)));
  assert.equal(sent.handover, forged);
  assert.notEqual(own, visitor);
  assert.equal(victim.url(), url("b", "/"));
  await context.close();
  await other.close();
});
