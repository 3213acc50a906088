// Single-page apps: which changes of the history are pages.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

/** The paths of the page hits so far, after one more event has shown that nothing is still to come. */
async function pages(stage) {
  await stage.ready();
  await stage.page.evaluate(() => tributary.track('end'));
  while (!stage.collector.hits.some((hit) => hit.name === 'end')) await stage.collector.taken(stage.collector.hits.length + 1);
  const hits = stage.collector.hits.filter((hit) => hit.kind === 'page');
  return hits.map((hit) => hit.url.slice(stage.origin.length));
}

test('pushState, replaceState and the back button send pages without a referrer', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/?utm_source=news', { referer: 'https://www.google.com/' });
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    history.pushState({}, '', '/a');
  });
  await stage.collector.taken(2);
  await stage.page.evaluate(() => history.replaceState({}, '', '/b'));
  await stage.collector.taken(3);
  await stage.page.evaluate(() => history.back());
  const hits = await stage.collector.taken(4);
  assert.deepEqual(hits.map((hit) => hit.url.slice(stage.origin.length)), ['/?utm_source=news', '/a', '/b', '/?utm_source=news']);
  assert.deepEqual(hits.map((hit) => hit.ref), ['https://www.google.com/', undefined, undefined, undefined]);
  assert.deepEqual(hits.map((hit) => hit.touch), ['session', undefined, undefined, undefined]);
  assert.equal(new Set(hits.map((hit) => hit.id)).size, 4);
});

test('hash routes are pages, anchors are not', async (t) => {
  const stage = (await Stage.start(t)).site('/', { body: '<h1 id="prices">x</h1>' });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.page.evaluate(() => (location.hash = '#prices'));
  await stage.page.evaluate(() => (location.hash = '#/cart'));
  await stage.collector.taken(2);
  assert.deepEqual(await pages(stage), ['/', '/#/cart']);
});

test('tidying the address counts nothing, a new query does', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/?utm_source=news');
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    history.replaceState({}, '', '/');
    history.replaceState({}, '', '/');
    history.pushState({}, '', '/?page=2');
  });
  assert.deepEqual(await pages(stage), ['/?utm_source=news', '/?page=2']);
});

test('the landing page is what was opened, even when the app has moved on before the pixel is up', async (t) => {
  const body = `<script>history.pushState({}, '', '/app')</script>`;
  const stage = (await Stage.start(t)).site('/', { body });
  await stage.context.route('**/*.wasm', async (route) => {
    await stage.page.waitForFunction(() => location.pathname === '/app');
    await route.continue();
  });
  await stage.open('/?utm_source=news', { referer: 'https://news.example/' });
  const hits = await stage.collector.taken(2);
  const [first, second] = hits.sort((a, b) => (a.touch ? -1 : 1));
  assert.equal(first.url, `${stage.origin}/?utm_source=news`);
  assert.equal(first.ref, 'https://news.example/');
  assert.equal(second.url, `${stage.origin}/app`);
});

test('data-spa=off leaves pages to page()', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-spa': 'off' } });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    history.pushState({}, '', '/a');
    history.pushState({}, '', '/b');
    tributary.page();
  });
  assert.deepEqual(await pages(stage), ['/', '/b']);
});

test("the history's own functions keep working", async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.ready();
  const state = await stage.page.evaluate(() => {
    history.pushState({ deep: [1] }, '', '/a');
    return history.state.deep[0];
  });
  assert.equal(state, 1);
  const thrown = await stage.page.evaluate(() => {
    try {
      history.pushState({}, '', 'https://elsewhere.example/');
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(thrown, 'SecurityError', 'an error of the page stays its own');
});
