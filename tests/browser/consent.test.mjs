// Without consent there is no cookie, no storage, no id and no request.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { unsigned } from './support/collector.mjs';
import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

/** That the visitor left no trace, here or at the collector. */
async function leavesNothing(stage) {
  await stage.ready();
  await stage.page.evaluate(() => {
    tributary.track('unheard');
    tributary.identify('ann@shop.example');
    history.pushState({}, '', '/moved');
  });
  const [id, metadata, link] = await stage.page.evaluate(() => [
    tributary.visitorId(),
    tributary.checkoutMetadata(),
    tributary.decorate('https://buy.polar.sh/x'),
  ]);
  assert.equal(id, null);
  assert.deepEqual(metadata, {});
  assert.equal(link, 'https://buy.polar.sh/x');
  assert.equal(await stage.cookie(), undefined);
  assert.equal(await stage.page.evaluate(() => localStorage.length + sessionStorage.length), 0);
  assert.deepEqual(stage.posts.map((request) => request.postData()), []);
}

test('data-consent=required does nothing before the visitor agrees', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-consent': 'required' } });
  await stage.open('/');
  await leavesNothing(stage);
});

test('Global Privacy Control is a refusal', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }));
  await stage.open('/');
  await leavesNothing(stage);
});

test('a tag may say that it does not listen to Global Privacy Control', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-respect-gpc': 'false' } });
  await stage.context.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }));
  await stage.open('/');
  await stage.collector.taken(1);
});

test('consent given later counts the page that was opened, with its campaign', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-consent': 'required' } });
  await stage.open('/?utm_source=news', { referer: 'https://news.example/' });
  await stage.ready();
  await stage.page.evaluate(() => {
    history.pushState({}, '', '/moved');
    tributary.consent('granted');
  });
  const [hit] = await stage.collector.taken(1);
  assert.equal(hit.url, `${stage.origin}/?utm_source=news`);
  assert.equal(hit.ref, 'https://news.example/');
  assert.equal(hit.touch, 'session');
  assert.equal(hit.consent, 'granted');
  assert.match((await stage.cookie()).value, /^vis_/);
});

test('a grant is remembered on the next page', async (t) => {
  const tag = { 'data-consent': 'required' };
  const stage = (await Stage.start(t)).site('/', { tag }).site('/next', { tag });
  await stage.open('/');
  await stage.ready();
  await stage.page.evaluate(() => tributary.consent('granted'));
  await stage.collector.taken(1);
  await stage.open('/next');
  const [first, second] = await stage.collector.taken(2);
  assert.equal(second.session, first.session);
});

test('a refusal called before the pixel is up comes before the first page', async (t) => {
  const head = `<script>window.tributary = { q: [['track', 'early'], ['consent', 'denied']] }</script>`;
  const stage = (await Stage.start(t)).site('/', { head, tag: { 'data-consent': 'required' } });
  await stage.open('/');
  await leavesNothing(stage);
});

test('withdrawal deletes cookie, storage and id, and lasts', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/next');
  await stage.open('/');
  await stage.answered();
  await stage.page.evaluate(() => tributary.consent('denied'));
  assert.equal(await stage.cookie(), undefined);
  assert.equal(await stage.stored(), 'off', 'a mark without an id, so that the refusal lasts');
  assert.equal(await stage.page.evaluate(() => tributary.visitorId()), null);
  await stage.open('/next');
  await stage.ready();
  await stage.page.evaluate(() => tributary.track('unheard'));
  assert.equal(stage.posts.length, 1);
  assert.equal(await stage.cookie(), undefined);
});

test('an answer that arrives after the withdrawal sets nothing', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  let release;
  const held = new Promise((done) => (release = done));
  await stage.context.route('**/c', async (route) => {
    await held;
    await route.continue();
  });
  await stage.open('/');
  await stage.ready();
  await stage.page.evaluate(() => tributary.consent('denied'));
  const answer = stage.page.waitForResponse('**/c');
  release();
  await answer;
  await stage.page.waitForFunction(() => document.cookie === '');
  assert.equal(await stage.page.evaluate(() => tributary.visitorId()), null);
});

test('data-consent=session keeps an id in memory only', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-consent': 'session' } });
  await stage.open('/');
  const [hit] = await stage.collector.taken(1);
  assert.equal(hit.consent, 'session');
  assert.equal(hit.cookie, undefined);
  await stage.answered();
  await stage.page.evaluate(() => history.pushState({}, '', '/moved'));
  const [, second] = await stage.collector.taken(2);
  assert.equal(second.session, hit.session);
  assert.equal(unsigned(second.visitor), hit.visitor);
  assert.equal(await stage.cookie(), undefined);
  assert.equal(await stage.stored(), null);
});

test('consent raised from session keeps the same visitor', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-consent': 'session' } });
  await stage.open('/');
  await stage.answered();
  const id = await stage.page.evaluate(() => tributary.visitorId());
  await stage.page.evaluate(() => tributary.consent('granted'));
  assert.equal((await stage.cookie()).value, id);
  assert.match(await stage.stored(), /^g /);
});
