// The visitor travels with the buyer: links and embeds of the checkout.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

const LINK = 'https://buy.polar.sh/polar_cl_x';
const read = (stage, selector, name) => stage.page.getAttribute(selector, name);
const visitor = (stage) => stage.page.evaluate(() => tributary.visitorId());

test('a Polar link gets the signed visitor and the utm of the session', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/prices', { body: `<a href="${LINK}?theme=dark#x">Buy</a>` });
  await stage.open('/?utm_source=news&utm_campaign=autumn%20sale&gclid=1');
  await stage.answered();
  await stage.open('/prices');
  await stage.answered();
  const id = await visitor(stage);
  await stage.page.dispatchEvent('a', 'pointerdown');
  assert.equal(
    await read(stage, 'a', 'href'),
    `${LINK}?theme=dark&reference_id=${id}&utm_campaign=autumn%20sale&utm_source=news#x`,
  );
});

test('a link added later is found when it is used, before the page reads it', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.answered();
  await stage.page.evaluate((link) => {
    const a = document.createElement('a');
    a.href = link;
    a.textContent = 'Buy';
    a.addEventListener('click', (event) => {
      event.preventDefault();
      window.seen = event.currentTarget.getAttribute('href');
    });
    document.body.append(a);
  }, LINK);
  assert.equal(await read(stage, 'a', 'href'), LINK);
  await stage.page.click('a');
  assert.equal(await stage.page.evaluate(() => window.seen), `${LINK}?reference_id=${await visitor(stage)}`);
});

test('the keyboard is a way to use a link', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.answered();
  await stage.page.evaluate((link) => (document.body.innerHTML = `<a href="${link}">Buy</a>`), LINK);
  await stage.page.focus('a');
  assert.match(await read(stage, 'a', 'href'), /reference_id=vis_/);
});

test('an embed is read at the click, from either attribute', async (t) => {
  // What @polar-sh/checkout does with its elements.
  const body = `<a href="${LINK}" data-polar-checkout id="a">Buy</a>
    <button data-polar-checkout="${LINK}" id="b"><b>Buy</b></button>
    <script>
      window.opened = [];
      document.querySelectorAll('[data-polar-checkout]').forEach((element) =>
        element.addEventListener('click', (event) => {
          event.preventDefault();
          const element = event.target.closest('[data-polar-checkout]');
          window.opened.push(element.getAttribute('href') || element.getAttribute('data-polar-checkout'));
        }));
    </script>`;
  const stage = (await Stage.start(t)).site('/', { body });
  await stage.open('/');
  await stage.answered();
  await stage.page.click('#a');
  await stage.page.click('#b b');
  const want = `${LINK}?reference_id=${await visitor(stage)}`;
  assert.deepEqual(await stage.page.evaluate(() => window.opened), [want, want]);
});

test('existing values and other links are left as they are', async (t) => {
  const links = [
    `${LINK}?reference_id=mine&utm_source=own`,
    'https://buy.stripe.com/x?client_reference_id=mine',
    'https://example.com/?to=https://buy.polar.sh/x',
    '/prices',
  ];
  const stage = (await Stage.start(t)).site('/', { body: links.map((link) => `<a href="${link}">x</a>`).join('') });
  await stage.open('/?utm_source=news');
  await stage.answered();
  await stage.page.evaluate(() =>
    document.querySelectorAll('a').forEach((a) => a.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }))),
  );
  const after = await stage.page.evaluate(() => [...document.querySelectorAll('a')].map((a) => a.getAttribute('href')));
  assert.deepEqual(after, links);
});

test('hosts of the tag are Polar too', async (t) => {
  const tag = { 'data-checkout-hosts': 'pay.example,localhost:4602' };
  const body = '<a href="http://localhost:4602/polar_cl_x">Buy</a>';
  const stage = (await Stage.start(t)).site('/', { tag, body });
  await stage.open('/');
  await stage.answered();
  await stage.page.dispatchEvent('a', 'pointerdown');
  assert.equal(await read(stage, 'a', 'href'), `http://localhost:4602/polar_cl_x?reference_id=${await visitor(stage)}`);
});

test('data-checkout=off rewrites nothing by itself; decorate still does', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-checkout': 'off' }, body: `<a href="${LINK}">Buy</a>` });
  await stage.open('/');
  await stage.answered();
  await stage.page.dispatchEvent('a', 'pointerdown');
  assert.equal(await read(stage, 'a', 'href'), LINK);
  const id = await visitor(stage);
  const [link, same] = await stage.page.evaluate((link) => {
    const a = document.querySelector('a');
    return [tributary.decorate(link), tributary.decorate(a) === a];
  }, LINK);
  assert.equal(link, `${LINK}?reference_id=${id}`);
  assert.equal(same, true);
  assert.equal(await read(stage, 'a', 'href'), link);
});
