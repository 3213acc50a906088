// `window.tributary`: the calls of the public contract, early and late.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { unsigned } from './support/collector.mjs';
import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

/** The stub of the documentation. */
const stub = `<script>
window.tributary = window.tributary || { q: [] };
['identify', 'track', 'page', 'consent'].forEach((name) => (tributary[name] = (...all) => tributary.q.push([name, ...all])));
</script>`;

test('early calls are kept and come after the page', async (t) => {
  const head = stub + `<script>tributary.track('early', { n: 1 }); tributary.identify('ann@shop.example')</script>`;
  const stage = (await Stage.start(t)).site('/', { head });
  await stage.open('/');
  // They are on their way at the same time, and may arrive in any order.
  const hits = await stage.collector.taken(3);
  const of = (kind) => hits.find((hit) => hit.kind === kind);
  assert.equal(of('event').name, 'early');
  assert.equal(of('identify').email, 'ann@shop.example');
  assert.deepEqual([of('page').touch, of('event').touch, of('identify').touch], ['session', undefined, undefined]);
  // The answer to the first may have come before the last was sent, which then carries the signed form.
  assert.equal(new Set(hits.map((hit) => unsigned(hit.visitor))).size, 1);
});

test('a reference kept from the stub and its queue still work when the pixel is up', async (t) => {
  const head = stub + `<script>window.old = window.tributary</script>`;
  const stage = (await Stage.start(t)).site('/', { head });
  await stage.open('/');
  await stage.ready();
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    old.q.push(['track', 'pushed']);
    old.track('called');
  });
  const names = (await stage.collector.taken(3)).map((hit) => hit.name);
  assert.deepEqual(names.sort(), ["called", "pushed", undefined]);
});

test('track carries flat properties and leaves the rest', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.ready();
  await stage.collector.taken(1);
  await stage.page.evaluate(() =>
    tributary.track('signup "now"', {
      plan: 'pro\n"é😀"',
      seats: 2.5,
      trial: true,
      big: 1e21,
      nan: NaN,
      list: [1],
      nothing: null,
      missing: undefined,
      lone: 'a\ud800b',
      ['long'.repeat(40)]: 'x'.repeat(900),
    }),
  );
  const [, hit] = await stage.collector.taken(2);
  assert.equal(hit.name, 'signup "now"');
  const long = 'long'.repeat(25);
  assert.deepEqual(hit.props, {
    plan: 'pro\n"é😀"',
    seats: 2.5,
    trial: true,
    big: 1e21,
    lone: 'a\ufffdb',
    [long]: 'x'.repeat(500),
  });
});

test('track keeps thirty properties', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.ready();
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    tributary.track('many', Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, i])));
  });
  const [, hit] = await stage.collector.taken(2);
  assert.equal(Object.keys(hit.props).length, 30);
});

test('identify takes an address or a description', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.ready();
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    tributary.identify('ann@shop.example');
    tributary.identify({ userId: 'u_1', traits: { plan: 'pro' } });
    tributary.identify({ traits: { nobody: true } });
    tributary.identify({ email: null, userId: 42 });
    tributary.track('end');
  });
  const hits = await stage.collector.taken(5);
  const byKind = hits.filter((hit) => hit.kind === 'identify');
  assert.equal(byKind.length, 3);
  const mail = byKind.find((hit) => hit.email);
  const user = byKind.find((hit) => hit.user === 'u_1');
  assert.ok(byKind.some((hit) => hit.user === '42' && hit.email === undefined), 'what a database gives');
  assert.equal(mail.email, 'ann@shop.example');
  assert.equal(user.user, 'u_1');
  assert.deepEqual(user.traits, { plan: 'pro' });
});

test('visitorId and checkoutMetadata give the signed id', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.answered();
  const [id, metadata] = await stage.page.evaluate(() => [tributary.visitorId(), tributary.checkoutMetadata()]);
  assert.match(id, /^vis_[0-9a-z]{26}_1m+$/);
  assert.deepEqual(metadata, { tributary_visitor_id: id });
});

test('wrong use harms nobody', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.ready();
  await stage.collector.taken(1);
  await stage.page.evaluate(() => {
    const hostile = {
      get plan() {
        throw new Error('mine');
      },
    };
    tributary.track();
    tributary.track(Symbol('x'));
    tributary.track('hostile', hostile);
    tributary.track('\0\0c\0denied');
    tributary.identify();
    tributary.identify(null);
    tributary.consent('maybe');
    tributary.decorate();
    tributary.decorate(7);
    tributary.q.push(null, ['nothing'], 7, ['track', 'fine']);
  });
  const hits = await stage.collector.taken(3);
  assert.equal(hits.find((hit) => hit.name === 'fine').kind, 'event');
  assert.notEqual(await stage.page.evaluate(() => tributary.visitorId()), null, 'no text a page passes changes consent');
});
