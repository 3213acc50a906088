// The visitor travels with the buyer to other providers' checkouts than Polar's: links, elements, Paddle's overlay.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

const STRIPE = 'https://buy.stripe.com/x';
const LEMON = 'https://a.lemonsqueezy.com/buy/1';
const LEMON_NAME = 'checkout%5Bcustom%5D%5Btributary_visitor_id%5D';
const visitor = (stage) => stage.page.evaluate(() => tributary.visitorId());

/** A page of which the collector has signed the visitor. */
async function opened(t, page) {
  const stage = (await Stage.start(t)).site('/', page);
  await stage.open('/?utm_source=news');
  await stage.answered();
  return stage;
}

/** Paddle.js as far as a page sees it: what it was asked to open. */
const PADDLE = `<script>
  window.opened = [];
  window.Paddle = { Checkout: { open(options) { opened.push(options); return this === Paddle.Checkout; } } };
</script>`;

test('a link of Stripe or Lemon Squeezy is ready at the very click that uses it', async (t) => {
  const body = `<a href="${STRIPE}?locale=de#x" id="stripe">x</a><a href="${LEMON}?embed=1" id="lemon">x</a>
    <script>
      window.seen = [];
      document.querySelectorAll('a').forEach((a) => a.addEventListener('click', (event) => {
        event.preventDefault();
        seen.push(event.currentTarget.getAttribute('href'));
      }));
    </script>`;
  const stage = await opened(t, { body });
  // No pointer came near before.
  await stage.page.evaluate(() => document.querySelectorAll('a').forEach((a) => a.click()));
  const id = await visitor(stage);
  assert.deepEqual(await stage.page.evaluate(() => window.seen), [
    `${STRIPE}?locale=de&client_reference_id=${id}#x`,
    `${LEMON}?embed=1&${LEMON_NAME}=${id}`,
  ]);
});

test('decorate answers with the link of every provider at once', async (t) => {
  const stage = await opened(t, {});
  const links = await stage.page.evaluate((all) => all.map((link) => tributary.decorate(link)), [STRIPE, LEMON]);
  const id = await visitor(stage);
  assert.deepEqual(links, [`${STRIPE}?client_reference_id=${id}`, `${LEMON}?${LEMON_NAME}=${id}`]);
});

test('values that are there stay, in either spelling', async (t) => {
  const links = [
    `${STRIPE}?client_reference_id=mine`,
    `${LEMON}?${LEMON_NAME}=mine`,
    `${LEMON}?checkout[custom][tributary_visitor_id]=mine`,
  ];
  const body = `<stripe-buy-button client-reference-id="mine"></stripe-buy-button>
    <a class="paddle_button" data-custom-data='{"tributary_visitor_id":"mine"}'>x</a>`;
  const stage = await opened(t, { body });
  assert.deepEqual(await stage.page.evaluate((all) => all.map((link) => tributary.decorate(link)), links), links);
  await stage.page.evaluate(() => {
    for (const element of document.querySelectorAll('stripe-buy-button, a')) tributary.decorate(element);
    const fresh = document.createElement('stripe-pricing-table');
    document.body.append(tributary.decorate(fresh));
  });
  await stage.page.waitForSelector('stripe-pricing-table[client-reference-id^=vis_]', { state: 'attached' });
  assert.equal(await stage.page.getAttribute('stripe-buy-button', 'client-reference-id'), 'mine');
  assert.equal(await stage.page.getAttribute('a', 'data-custom-data'), '{"tributary_visitor_id":"mine"}');
});

test('elements on the page are filled in before anybody comes near them', async (t) => {
  const body = `<stripe-buy-button></stripe-buy-button><stripe-pricing-table></stripe-pricing-table>
    <a class="paddle_button" data-custom-data='{"a":1}'>x</a>`;
  const stage = await opened(t, { body });
  await stage.page.waitForSelector('stripe-buy-button[client-reference-id^=vis_]', { state: 'attached' });
  await stage.page.waitForSelector('stripe-pricing-table[client-reference-id^=vis_]', { state: 'attached' });
  await stage.page.waitForSelector('.paddle_button[data-custom-data*=vis_]', { state: 'attached' });
  const data = JSON.parse(await stage.page.getAttribute('.paddle_button', 'data-custom-data'));
  assert.equal(data.a, 1);
});

test("data-checkout=off leaves elements, links and Paddle's overlay alone", async (t) => {
  const body = `${PADDLE}<stripe-buy-button></stripe-buy-button><a href="${STRIPE}" id="x">x</a>`;
  const stage = await opened(t, { body, tag: { 'data-checkout': 'off' } });
  await stage.page.dispatchEvent('stripe-buy-button', 'pointerdown');
  await stage.page.dispatchEvent('#x', 'pointerdown');
  // Whatever was loaded for these has run once a goal, which needs the same file, has come.
  await stage.page.evaluate(() => {
    document.body.insertAdjacentHTML('beforeend', '<button data-tributary-event="end">x</button>');
    document.querySelector('button').click();
  });
  await stage.collector.taken(2);
  await stage.page.evaluate(() => Paddle.Checkout.open({ items: [] }));
  assert.deepEqual(await stage.page.evaluate(() => window.opened), [{ items: [] }]);
  assert.equal(await stage.page.getAttribute('stripe-buy-button', 'client-reference-id'), null);
  assert.equal(await stage.page.getAttribute('#x', 'href'), STRIPE);
});

test("Paddle's overlay is opened with the visitor, and with what the page says besides", async (t) => {
  const stage = await opened(t, { head: PADDLE });
  await stage.page.waitForFunction(() => Paddle.Checkout.open.isOurs);
  const isSame = await stage.page.evaluate(() => {
    Paddle.Checkout.open({ items: [1], customData: { plan: 'pro' } });
    Paddle.Checkout.open({ items: [2], customData: { tributary_visitor_id: 'mine' } });
    return Paddle.Checkout.open({ items: [3] });
  });
  const tributary_visitor_id = await visitor(stage);
  assert.equal(isSame, true, 'called as Paddle wrote it');
  assert.deepEqual(await stage.page.evaluate(() => window.opened), [
    { items: [1], customData: { plan: 'pro', tributary_visitor_id } },
    { items: [2], customData: { tributary_visitor_id: 'mine' } },
    { items: [3], customData: { tributary_visitor_id } },
  ]);
});

test("Paddle's script may come later, and without consent it is called as it is", async (t) => {
  const stage = await opened(t, { body: '<button>x</button>' });
  await stage.page.evaluate((html) => document.body.append(document.createRange().createContextualFragment(html)), PADDLE);
  await stage.page.dispatchEvent('button', 'pointerover');
  await stage.page.waitForFunction(() => Paddle.Checkout.open.isOurs);
  await stage.page.evaluate(() => {
    tributary.consent('denied');
    Paddle.Checkout.open({ items: [] });
  });
  assert.deepEqual(await stage.page.evaluate(() => window.opened), [{ items: [] }]);
});
