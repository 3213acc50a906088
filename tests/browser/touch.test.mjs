// What starts a visit that can earn credit, and what does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { unsigned } from './support/collector.mjs';
import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

test('a reload is no touch', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/?utm_source=news');
  await stage.collector.taken(1);
  await stage.answered();
  await stage.page.reload();
  const [first, again] = await stage.collector.taken(2);
  assert.equal(first.touch, 'session');
  assert.equal(again.touch, undefined);
  assert.equal(again.session, first.session);
});

test('the back button is no touch', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/prices');
  await stage.open('/?utm_source=news');
  await stage.collector.taken(1);
  await stage.open('/prices');
  await stage.collector.taken(2);
  await stage.page.goBack();
  await stage.ready();
  await stage.page.evaluate(() => tributary.track('end'));
  const hits = await stage.collector.taken(3);
  assert.deepEqual(hits.slice(1).map((hit) => hit.touch), hits.slice(1).map(() => undefined));
});

test('a new campaign inside a session is a touch of its own, the same one again is none', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  for (const query of ['?utm_source=news', '?utm_source=ads&gclid=1', '?utm_source=news', '?gclid=1', '?gclid=2', '?via=ann', '']) {
    const before = stage.collector.hits.length;
    await stage.open('/' + query);
    await stage.collector.taken(before + 1);
  }
  const touches = stage.collector.hits.map((hit) => hit.touch);
  assert.deepEqual(touches, ['session', 'campaign', undefined, undefined, 'campaign', 'campaign', undefined]);
  assert.equal(new Set(stage.collector.hits.map((hit) => hit.session)).size, 1);
});

test('an external referrer is a touch; a page of the own site or a sister site is none', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-domains': 'sister.example' } });
  for (const referer of [undefined, 'https://www.google.com/', 'https://docs.sister.example/x', `${stage.origin}/a`]) {
    const before = stage.collector.hits.length;
    await stage.open('/', { referer });
    await stage.collector.taken(before + 1);
  }
  const touches = stage.collector.hits.map((hit) => hit.touch);
  assert.deepEqual(touches, ['session', 'campaign', undefined, undefined]);
});

test('partner parameters are those of the tag', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-ref-params': 'partner' } });
  for (const query of ['', '?ref=ann', '?partner=ann']) {
    const before = stage.collector.hits.length;
    await stage.open('/' + query);
    await stage.collector.taken(before + 1);
  }
  assert.deepEqual(stage.collector.hits.map((hit) => hit.touch), ['session', undefined, 'campaign']);
});

test('thirty idle minutes end a session, midnight does not', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/late').site('/later');
  await stage.page.clock.install({ time: new Date('2026-03-01T23:50:00') });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.page.clock.fastForward('25:00');
  await stage.open('/late');
  await stage.collector.taken(2);
  await stage.page.clock.fastForward('31:00');
  await stage.open('/later');
  const [first, late, later] = await stage.collector.taken(3);
  assert.equal(late.session, first.session);
  assert.equal(late.touch, undefined);
  assert.notEqual(later.session, first.session);
  assert.equal(later.touch, 'session');
  assert.equal(unsigned(later.visitor), unsigned(first.visitor), 'the visitor stays');
});

test('two tabs share visitor and session', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/other');
  await stage.open('/');
  await stage.collector.taken(1);
  const tab = await stage.newPage();
  await tab.goto(stage.origin + '/other');
  const [first, second] = await stage.collector.taken(2);
  assert.equal(second.session, first.session);
  assert.equal(unsigned(second.visitor), unsigned(first.visitor));
});
