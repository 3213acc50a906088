// Browsers that lack an interface, pages and extensions that wrap one, and a collector that never answers: the page
// works, and what can be counted is. Every stage asserts at its end that no error reached the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

/** Uses all of the public calls, and the page's own things beside them. */
const everything = () => {
  tributary.track('x', { a: 1 });
  tributary.identify('ann@shop.example');
  tributary.page();
  tributary.decorate('https://buy.polar.sh/x');
  tributary.visitorId();
  history.pushState({}, '', '/moved');
  document.querySelector('button').click();
  return [location.pathname, window.clicked];
};

const BODY = '<button onclick="window.clicked = true">buy</button>';

/** What a browser may lack, and whether hits still arrive without it. */
const LACKING = {
  'WebAssembly': true,
  'performance.getEntriesByType': true,
  'navigator.sendBeacon': true,
  'crypto.getRandomValues': true,
  'fetch': false,
  'TextEncoder': false,
};

for (const [name, isCounted] of Object.entries(LACKING)) {
  test(`a browser without ${name} keeps the page working${isCounted ? ', and its hits come' : ''}`, async (t) => {
    const stage = (await Stage.start(t)).site('/', { body: BODY });
    await stage.context.addInitScript((path) => {
      const parts = path.split('.');
      const last = parts.pop();
      const owner = parts.reduce((object, part) => object[part], window);
      Object.defineProperty(owner, last, { value: undefined, configurable: true });
    }, name);
    await stage.open('/');
    await stage.ready();
    assert.deepEqual(await stage.page.evaluate(everything), ['/moved', true]);
    if (isCounted) await stage.collector.taken(4);
  });
}

test('a collector that never answers is not noticed', async (t) => {
  const stage = (await Stage.start(t)).site('/', { body: BODY });
  stage.collector.broken = () => {};
  await stage.open('/');
  await stage.ready();
  assert.deepEqual(await stage.page.evaluate(everything), ['/moved', true]);
  assert.match(await stage.page.evaluate(() => tributary.visitorId()), /^vis_/);
});

test('an extension that wraps history and cookies is neither undone nor in the way', async (t) => {
  const head = `<script>
    window.calls = [];
    const push = history.pushState;
    history.pushState = function () { calls.push('push'); return push.apply(this, arguments); };
    const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
    Object.defineProperty(document, 'cookie', {
      get() { return cookie.get.call(document); },
      set(text) { calls.push('cookie'); cookie.set.call(document, text); },
    });</script>`;
  const stage = (await Stage.start(t)).site('/', { head, body: BODY });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.page.evaluate(() => history.pushState({}, '', '/moved'));
  await stage.collector.taken(2);
  const calls = await stage.page.evaluate(() => window.calls);
  assert.ok(calls.includes('push') && calls.includes('cookie'), String(calls));
});

test('a page that writes itself anew counts once, and works', async (t) => {
  const stage = (await Stage.start(t)).site('/', { body: BODY });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.page.evaluate((html) => {
    document.open();
    document.write(html);
    document.close();
  }, BODY);
  await stage.page.evaluate(() => tributary.track('after'));
  const [, event] = await stage.collector.taken(2);
  assert.equal(event.name, 'after');
});

test('a tag that is written by document.write works', async (t) => {
  const stage = await Stage.start(t);
  const tag = `<script src="${stage.collector.origin}/p.js" data-workspace="ws_demo"><\\/script>`;
  stage.site('/', { tag: { 'data-workspace': 'ws_demo', type: 'text/none' }, head: `<script>document.write('${tag}')</script>` });
  await stage.open('/');
  await stage.collector.taken(1);
});

test('Do Not Track is a refusal', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.addInitScript(() => Object.defineProperty(navigator, 'doNotTrack', { value: '1' }));
  await stage.open('/');
  await stage.ready();
  assert.equal(stage.posts.length, 0);
  assert.deepEqual(await stage.context.cookies(), []);
  assert.equal(await stage.stored(), null);
});

test('a page that is prefetched is not counted', async (t) => {
  const stage = (await Stage.start(t)).site('/', { head: '<link rel="prefetch" href="/next">' }).site('/next');
  await stage.open('/');
  const [hit] = await stage.collector.taken(1);
  await stage.page.evaluate(() => tributary.track('end'));
  const names = (await stage.collector.taken(2)).map((one) => new URL(one.url).pathname);
  assert.deepEqual([...new Set(names)], [new URL(hit.url).pathname]);
});
