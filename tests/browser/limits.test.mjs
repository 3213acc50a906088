// What browsers limit: bytes under way that outlive their page, and what a strict policy lets run.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { manifest } from './support/collector.mjs';
import { Stage, refusesWasm, useBrowser } from './support/stage.mjs';

useBrowser();

/** Notes of every request to the collector how many bytes it has and whether it outlives the page. */
const WATCH = `<script>
  window.sent = [];
  const real = fetch;
  window.fetch = (url, options) => {
    if (options) sent.push([new Blob([options.body]).size, options.keepalive]);
    return real(url, options);
  };
</script>`;

for (const [script, letter] of [['ASCII', 'x'], ['three bytes a letter', '名']]) {
  test(`no more than 64 KiB are under way that outlive the page, and nothing is lost: ${script}`, async (t) => {
    const stage = (await Stage.start(t)).site('/', { head: WATCH });
    await stage.open('/');
    await stage.answered();
    // The collector takes its time: nothing is answered until all is sent.
    const held = [];
    const count = 60;
    stage.collector.broken = (request, response) => held.push([request, response]);
    await stage.page.evaluate(([letter, count]) => {
      window.sent.length = 0;
      for (let n = 0; n < count; n += 1) tributary.track(`e${n}`, { text: letter.repeat(500) });
    }, [letter, count]);
    const sent = await stage.page.evaluate(() => window.sent);
    assert.equal(sent.length, count);
    const kept = sent.filter(([, isKept]) => isKept);
    const sum = kept.reduce((all, [bytes]) => all + bytes, 0);
    assert.ok(kept.length > 5 && sum <= 65_536, `${kept.length} requests of ${sum} bytes`);
    assert.ok(kept.length < count, 'there was more than may be under way');
    const all = new Set();
    const until = Date.now() + 20_000;
    while (all.size < count && Date.now() < until) {
      for (const [request, response] of held.splice(0)) {
        all.add(JSON.parse(request.body).name);
        const headers = { 'access-control-allow-origin': request.headers.origin, 'access-control-allow-credentials': 'true' };
        response.writeHead(202, headers).end('{"accepted":1,"rejected":[]}');
      }
      await new Promise(setImmediate);
    }
    assert.equal(all.size, count, 'each came');
    assert.equal(await stage.page.evaluate(() => localStorage.getItem('_trbq')), null, 'none was taken for lost');
    // Room again.
    stage.collector.broken = null;
    await stage.page.waitForFunction(() => {
      window.sent.length = 0;
      tributary.track('after');
      return window.sent[0][1];
    });
  });
}

test('data-spa=hash makes every fragment a page, and no address twice in a row', async (t) => {
  const stage = (await Stage.start(t)).site('/', { tag: { 'data-spa': 'hash' } });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.page.evaluate(() => (location.hash = '#prices'));
  await stage.collector.taken(2);
  await stage.page.evaluate(() => {
    history.replaceState({}, '', '#prices');
    history.replaceState({}, '', '#about');
  });
  await stage.collector.taken(3);
  await stage.page.evaluate(() => history.back());
  const hits = await stage.collector.taken(4);
  assert.deepEqual(hits.map((hit) => hit.url.slice(stage.origin.length)), ['/', '/#prices', '/#about', '/']);
  assert.deepEqual(hits.map((hit) => hit.touch), ['session', undefined, undefined, undefined]);
});

for (const wasm of ['', " 'wasm-unsafe-eval'"]) {
  test(`a policy of nonces${wasm && ' and wasm'} needs the nonce on the tag and nothing else`, async (t) => {
    const stage = await Stage.start(t);
    const allowed = refusesWasm ? '' : wasm;
    const policy = `default-src 'none'; script-src 'nonce-r4nd0m'${allowed}; connect-src ${stage.collector.origin}`;
    const body = '<button data-tributary-event="goal">x</button>';
    stage.site('/', { body, tag: { nonce: 'r4nd0m' }, headers: { 'content-security-policy': policy } });
    await stage.context.addInitScript(() => {
      window.refused = [];
      addEventListener('securitypolicyviolation', (event) => window.refused.push(event.blockedURI));
    });
    await stage.open('/');
    await stage.answered();
    // A goal is in the file that not every visit needs: it is allowed in too.
    await stage.page.evaluate(() => document.querySelector('button').click());
    const [page, goal] = await stage.collector.taken(2);
    assert.deepEqual([page.kind, goal.name], ['page', 'goal']);
    const rules = allowed ? manifest.wasm : manifest.js;
    assert.ok(stage.collector.served.includes(`/${rules}`) && stage.collector.served.includes(`/${manifest.more}`));
    const refused = await stage.page.evaluate(() => window.refused);
    assert.deepEqual(refused.filter((what) => what !== 'wasm-eval'), []);
  });
}
