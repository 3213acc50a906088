// Who the visitor is and what a page view carries.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { signed } from './support/collector.mjs';
import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

test('a first visit sends one page hit that starts a session', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  const before = Date.now();
  await stage.open('/?utm_source=news&utm_medium=email&gclid=Abc&via=ann', { referer: 'https://www.google.com/' });
  const [hit] = await stage.collector.taken(1);
  assert.equal(hit.kind, 'page');
  assert.equal(hit.touch, 'session');
  assert.equal(hit.url, `${stage.origin}/?utm_source=news&utm_medium=email&gclid=Abc&via=ann`);
  assert.equal(hit.ref, 'https://www.google.com/');
  assert.equal(hit.consent, 'granted');
  assert.equal(hit.width, undefined, 'what nobody asks for is not sent');
  assert.ok(hit.at >= before && hit.at <= Date.now());
  assert.match(hit.visitor, /^vis_[0-9a-z]{26}$/);
  assert.match(hit.type, /^text\/plain/, 'a plain body needs no preflight');
});

test('the id is in the cookie before the collector has answered', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  stage.collector.broken = () => {};
  await stage.open('/');
  await stage.ready();
  const cookie = await stage.cookie();
  assert.match(cookie.value, /^vis_[0-9a-z]{26}$/);
  assert.equal(cookie.secure, true);
  assert.equal(cookie.sameSite, 'Lax');
  assert.equal(await stage.page.evaluate(() => tributary.visitorId()), cookie.value);
});

test('the signed id of the answer takes over, and a second page has the same visitor', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/prices');
  await stage.open('/');
  const [first] = await stage.collector.taken(1);
  await stage.answered();
  assert.equal((await stage.cookie()).value, signed(first.visitor));
  await stage.open('/prices');
  const [, second] = await stage.collector.taken(2);
  assert.equal(second.visitor, signed(first.visitor));
  assert.equal(second.cookie, signed(first.visitor), 'the cookie travels with the hit');
  assert.equal(second.session, first.session);
  assert.equal(second.touch, undefined);
  assert.notEqual(second.id, first.id);
});

test('where the answer sets no cookie, the script keeps the signed id itself', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  stage.collector.setsCookie = false;
  await stage.open('/');
  const [hit] = await stage.collector.taken(1);
  await stage.answered();
  assert.equal((await stage.cookie()).value, signed(hit.visitor));
});

test('a cookie that is no visitor id is replaced', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.addCookies([{ name: '_trb', value: 'vis_nonsense', url: stage.origin }]);
  await stage.open('/');
  const [hit] = await stage.collector.taken(1);
  assert.match(hit.visitor, /^vis_[0-9a-z]{26}$/);
});

test('the cookie domain of the tag travels with the hit', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-cookie-domain': '.shop.example' } });
  await stage.open('/');
  const [hit] = await stage.collector.taken(1);
  assert.equal(hit.cookie_domain, '.shop.example');
});

test('an endpoint of its own takes the hits', async (t) => {
  const stage = await Stage.start(t);
  const other = await Stage.start(t);
  stage.site('/', { tag: { 'data-endpoint': other.collector.origin } });
  await stage.open('/');
  await other.collector.taken(1);
  assert.deepEqual(stage.collector.hits, []);
});

test('a second tag on the page changes nothing', async (t) => {
  const stage = await Stage.start(t);
  const again = `<script async src="${stage.collector.origin}/p.js?again" data-workspace="ws_demo"></script>`;
  stage.site('/', { body: again });
  await stage.open('/');
  await stage.page.waitForLoadState('load');
  await stage.ready();
  await stage.page.evaluate(() => tributary.track('end'));
  const kinds = (await stage.collector.taken(2)).map((hit) => hit.kind);
  assert.deepEqual(kinds.sort(), ['event', 'page'], 'one of each, in whatever order they arrived');
});

test('a very long address costs its tail, not the hit', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/?utm_source=news&x=' + 'é'.repeat(1500));
  const [hit] = await stage.collector.taken(1);
  assert.equal(hit.url.length, 2000);
  assert.match(hit.url, /utm_source=news/);
});
