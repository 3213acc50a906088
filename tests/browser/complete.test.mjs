// What a site's visitors do besides opening pages: links away, goals, forms, time spent, going back, going offline.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { signed, unsigned } from './support/collector.mjs';
import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

/** The events so far by name, once `count` hits have come. */
async function events(stage, count) {
  const hits = await stage.collector.taken(count);
  return hits.filter((hit) => hit.kind === 'event').map(({ name, props, touch }) => ({ name, props, touch }));
}

/** Clicks what the selector finds without leaving the page. */
const click = (stage, selector) =>
  stage.page.evaluate((selector) => {
    const element = document.querySelector(selector);
    element.addEventListener('click', (event) => event.preventDefault(), { once: true });
    element.click();
  }, selector);

test('links away and downloads are events, never touches; own and sister pages are none', async (t) => {
  const body = `<a id="away" href="https://other.example/x?y=1">x</a><a id="file" href="/manual.pdf">x</a>
    <a id="own" href="/prices">x</a><a id="sister" href="https://docs.sister.example/">x</a>`;
  const stage = (await Stage.start(t)).site('/', { body, tag: { 'data-domains': 'sister.example' } });
  await stage.open('/');
  await stage.answered();
  for (const id of ['own', 'sister', 'away', 'file']) await click(stage, `#${id}`);
  const seen = await events(stage, 3);
  assert.deepEqual(new Set(seen), new Set([
    { name: 'outbound', props: { url: 'https://other.example/x?y=1' }, touch: undefined },
    { name: 'download', props: { url: `${stage.origin}/manual.pdf` }, touch: undefined },
  ]));
});

test('data-outbound=off reports no links', async (t) => {
  const body = '<a href="https://other.example/">x</a><button data-tributary-event="end">x</button>';
  const stage = (await Stage.start(t)).site('/', { body, tag: { 'data-outbound': 'off' } });
  await stage.open('/');
  await stage.answered();
  await click(stage, 'a');
  await click(stage, 'button');
  assert.deepEqual((await events(stage, 2)).map((event) => event.name), ['end']);
});

test('an element names the goal that using it reaches', async (t) => {
  const body = `<button data-tributary-event="Sign up" data-tributary-props='{"plan":"pro"}'><b>x</b></button>`;
  const stage = (await Stage.start(t)).site('/', { body });
  await stage.open('/');
  await stage.answered();
  await stage.page.click('b');
  assert.deepEqual(await events(stage, 2), [{ name: 'Sign up', props: { plan: 'pro' }, touch: undefined }]);
});

test('a form that asks for it identifies by its e-mail field, and no other form does', async (t) => {
  const form = (attributes) =>
    `<form ${attributes} onsubmit="return false"><input type="email" name="mail" value="ann@shop.example"><button>x</button></form>`;
  const body = form('id="plain"') + form('id="asked" data-tributary-identify');
  const stage = (await Stage.start(t)).site('/', { body });
  await stage.open('/');
  await stage.answered();
  await stage.page.click('#plain button');
  await stage.page.click('#asked button');
  const hits = await stage.collector.taken(3);
  assert.deepEqual(hits.filter((hit) => hit.email).map((hit) => hit.email), ['ann@shop.example']);
  const report = hits.find((hit) => hit.name === 'form');
  assert.equal(report.props, undefined, 'nothing of what was typed');
});

test('time spent is reported on leaving, and only time when the page was looked at', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/next');
  await stage.page.clock.install();
  await stage.open('/');
  await stage.answered();
  await stage.page.evaluate(() => {
    const send = navigator.sendBeacon.bind(navigator);
    window.beacons = 0;
    navigator.sendBeacon = (...what) => (window.beacons++, send(...what));
  });
  await stage.page.clock.fastForward(5_000);
  await stage.page.mouse.move(10, 10);
  // Nobody does anything for ten minutes: half a minute of it counts.
  await stage.page.clock.fastForward(600_000);
  await stage.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pagehide')));
  await stage.collector.engagedTaken(1);
  const [hit] = stage.collector.engaged;
  assert.ok(hit.engaged >= 30_000 && hit.engaged < 60_000, `${hit.engaged}`);
  assert.equal(hit.touch, undefined);
  assert.equal(hit.session, stage.collector.hits[0].session);
  assert.equal(await stage.page.evaluate(() => window.beacons), 1, 'what else is under way ends with its page');
});

test('a page shown again from the back/forward cache is a page view and no touch', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/?utm_source=news');
  await stage.collector.taken(1);
  await stage.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  const [, again] = await stage.collector.taken(2);
  assert.equal(again.kind, 'page');
  assert.equal(again.touch, undefined);
});

test('hits that could not be sent are kept, and sent again under their ids', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/next');
  await stage.open('/');
  await stage.answered();
  stage.collector.broken = (request) => request.socket.destroy();
  await stage.page.evaluate(() => tributary.track('offline'));
  await stage.page.waitForFunction(() => localStorage.getItem('_trbq'));
  const kept = JSON.parse(await stage.page.evaluate(() => localStorage.getItem('_trbq').split('\n')[0]));
  stage.collector.broken = null;
  await stage.page.evaluate(() => window.dispatchEvent(new Event('online')));
  const hits = await stage.collector.taken(2);
  const again = hits.find((hit) => hit.name === 'offline');
  assert.equal(again.id, kept.id);
  assert.equal(again.at, kept.at);
  assert.ok(again.sent >= again.at);
  await stage.page.waitForFunction(() => localStorage.getItem('_trbq') == null);
});

test('hits that came too fast are kept, and sent again as soon as others are taken', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.answered();
  stage.collector.broken = (request, response) => {
    const headers = { 'access-control-allow-origin': request.headers.origin, 'access-control-allow-credentials': 'true' };
    response.writeHead(429, headers).end();
  };
  await stage.page.evaluate(() => tributary.track('too-fast'));
  await stage.page.waitForFunction(() => /too-fast/.test(localStorage.getItem('_trbq')));
  stage.collector.broken = null;
  await stage.page.evaluate(() => tributary.track('later'));
  const hits = await stage.collector.taken(3);
  assert.deepEqual(hits.map((hit) => hit.name).slice(1), ['later', 'too-fast']);
  await stage.page.waitForFunction(() => localStorage.getItem('_trbq') == null);
});

test('what is sent again stays kept until the collector has answered, and no longer', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/next');
  await stage.open('/');
  await stage.answered();
  stage.collector.broken = (request) => request.socket.destroy();
  await stage.page.evaluate(() => tributary.track('kept'));
  await stage.page.waitForFunction(() => /kept/.test(localStorage.getItem('_trbq')));
  // The page is left while its hits are on their way.
  const asked = new Promise((done) => (stage.collector.broken = done));
  await stage.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await asked;
  assert.match(await stage.page.evaluate(() => localStorage.getItem('_trbq')), /kept/);
  // A hit that no collector will ever take is not sent for ever.
  stage.collector.broken = null;
  await stage.open('/next');
  const hits = await stage.collector.taken(3);
  assert.ok(hits.some((hit) => hit.name === 'kept'));
  await stage.page.waitForFunction(() => localStorage.getItem('_trbq') == null);
  stage.collector.broken = (request, response) => {
    const headers = { 'access-control-allow-origin': request.headers.origin, 'access-control-allow-credentials': 'true' };
    response.writeHead(400, headers).end();
  };
  const line = JSON.stringify({ ...hits[0], id: `${hits[0].id.slice(0, 25)}0` });
  await stage.page.evaluate((line) => localStorage.setItem('_trbq', line), line);
  await stage.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await stage.page.waitForFunction(() => localStorage.getItem('_trbq') == null);
});

test('no more than twenty hits and 16 KiB are kept, and none without the cookie or after a withdrawal', async (t) => {
  const stage = (await Stage.start(t)).site('/').site('/memory', { tag: { 'data-consent': 'session' } });
  await stage.open('/');
  await stage.answered();
  stage.collector.broken = (request) => request.socket.destroy();
  const count = () => stage.page.evaluate(() => (localStorage.getItem('_trbq') || '').split('\n').filter(Boolean).length);
  await stage.page.evaluate(() => {
    for (let i = 0; i < 40; i++) tributary.track(`e${i}`);
  });
  await stage.page.waitForFunction(() => localStorage.getItem('_trbq')?.split('\n').length === 20);
  assert.equal(await count(), 20);
  await stage.page.evaluate(() => {
    for (let i = 0; i < 10; i++) tributary.track('big', { a: 'x'.repeat(500), b: 'x'.repeat(500), c: 'x'.repeat(500), d: 'x'.repeat(500), e: 'x'.repeat(500) });
  });
  await stage.page.waitForFunction(() => /big/.test(localStorage.getItem('_trbq')));
  assert.ok((await stage.page.evaluate(() => localStorage.getItem('_trbq').length)) <= 16384);
  await stage.page.evaluate(() => tributary.consent('denied'));
  assert.equal(await count(), 0);
  await stage.page.evaluate(() => localStorage.clear());
  await stage.open('/memory');
  await stage.ready();
  const failed = stage.page.waitForEvent('requestfailed');
  await stage.page.evaluate(() => tributary.track('x'));
  await failed;
  assert.equal(await count(), 0);
});

test('a visitor who agreed is handed over to a sister site, and the token leaves the address', async (t) => {
  const stage = await Stage.start(t);
  const tag = { 'data-domains': 'sister.example,127.0.0.1' };
  const there = stage.origin.replace('localhost', '127.0.0.1') + '/there?a=1#x';
  stage.site('/', { tag, body: `<a href="${there}">x</a>` }).site('/there', { tag });
  await stage.open('/');
  await stage.answered();
  const id = (await stage.cookie()).value;
  const answer = stage.page.waitForResponse('**/c/handover');
  await stage.page.hover('a');
  await answer;
  await stage.page.waitForFunction(() => {
    const a = document.querySelector('a');
    a.addEventListener('click', (event) => event.preventDefault(), { once: true });
    a.click();
    return a.href.includes('_trb=');
  });
  await stage.page.click('a');
  const hits = await stage.collector.taken(2);
  const arrived = hits.find((hit) => hit.handover);
  assert.equal(unsigned(arrived.handover), unsigned(id));
  assert.equal(arrived.url, there);
  assert.equal(await stage.page.evaluate(() => location.href), there);
  assert.equal(signed(unsigned(id)), id);
});

for (const [what, tag] of [
  ['from a sister site', { 'data-domains': 'sister.example' }],
  ["by a partner's link, on a tag without data-domains", {}],
]) {
  test(`who arrives ${what} is the same visitor in everything the page says at once`, async (t) => {
    const stage = await Stage.start(t);
    const head = `<script>
      window.tributary = { q: [['track', 'early'], ['identify', 'ann@shop.example']] };
    </script>`;
    const id = `vis_01jd3m8q5x0000000000000abc_1${'m'.repeat(22)}`;
    await stage.site('/there', { tag, head }).open(`/there?_trb=${id}.t1.mac&a=1`);
    const hits = await stage.collector.taken(3);
    assert.deepEqual(hits.map((hit) => unsigned(hit.handover)), Array(3).fill(unsigned(id)));
    assert.deepEqual(hits.map((hit) => hit.url), Array(3).fill(`${stage.origin}/there?a=1`));
    await stage.page.waitForFunction((id) => tributary.visitorId() === id, id);
    await stage.page.evaluate(() => tributary.track('late'));
    const late = (await stage.collector.taken(4))[3];
    assert.deepEqual([late.visitor, late.handover], [id, undefined]);
  });
}

test('a withdrawal has a collector on a host of its own take its cookie back, and names nobody', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.open('/');
  await stage.answered();
  assert.ok(await stage.cookie());
  const forgotten = new Promise((done) => stage.collector.server.once('forgotten', done));
  await stage.page.evaluate(() => tributary.consent('denied'));
  await forgotten;
  assert.deepEqual(stage.collector.forgotten, [{ ws: 'ws_demo' }]);
  assert.equal(await stage.cookie(), undefined);
  // Where there is nothing to take back nothing is asked for.
  await stage.page.evaluate(() => tributary.consent('denied'));
  await stage.page.evaluate(() => fetch(location.href));
  assert.equal(stage.collector.forgotten.length, 1);
});
