// Nothing that goes wrong with the pixel reaches the page. Every stage asserts at its end that no error did.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { manifest } from './support/collector.mjs';
import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

/** Uses all of the public calls. */
const everything = () => {
  tributary.track('x', { a: 1 });
  tributary.identify('ann@shop.example');
  tributary.page();
  tributary.consent('granted');
  history.pushState({}, '', '/moved');
  return [tributary.visitorId(), tributary.checkoutMetadata(), tributary.decorate('https://buy.polar.sh/x')];
};

test('storage that throws costs the session between pages, not the hit', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.addInitScript(() =>
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('refused', 'SecurityError');
      },
    }),
  );
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.ready();
  await stage.page.evaluate(() => tributary.track('x'));
  const [page, event] = await stage.collector.taken(2);
  assert.equal(event.session, page.session, 'the session lives in memory');
  assert.deepEqual([page.touch, event.touch], ['session', undefined]);
});

test('storage that is full or frozen costs as little', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  await stage.open('/');
  await stage.collector.taken(1);
  await stage.ready();
  await stage.page.evaluate(() => tributary.track('x'));
  const [page, event] = await stage.collector.taken(2);
  assert.equal(event.session, page.session);
});

test('a collector that is down is not noticed', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  stage.collector.broken = (request) => request.socket.destroy();
  await stage.open('/');
  await stage.ready();
  const failed = stage.page.waitForEvent('requestfailed');
  const [id] = await stage.page.evaluate(everything);
  await failed;
  assert.match(id, /^vis_/);
});

test('a collector that answers nonsense is not noticed', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  const answers = [
    [500, 'oops'],
    [202, 'not json'],
    [202, 'null'],
    [202, '{"visitor":7}'],
    [202, '{"visitor":"<script>"}'],
  ];
  stage.collector.broken = (request, response) => {
    const [status, body] = answers.shift() ?? [403, ''];
    const headers = {
      'access-control-allow-origin': request.headers.origin,
      'access-control-allow-credentials': 'true',
    };
    response.writeHead(status, headers).end(body);
  };
  await stage.open('/');
  await stage.ready();
  for (let i = 0; i < 5; i++) {
    const answer = stage.page.waitForResponse('**/c');
    await stage.page.evaluate(() => tributary.track('x'));
    await answer;
  }
  assert.match(await stage.page.evaluate(() => tributary.visitorId()), /^vis_[0-9a-z]{26}$/);
});

test('a policy that refuses wasm is answered with the same rules as JavaScript', async (t) => {
  const stage = await Stage.start(t);
  const policy = `script-src 'self' 'unsafe-inline' ${stage.collector.origin}`;
  stage.site('/', { headers: { 'content-security-policy': policy } });
  await stage.open('/');
  const [hit] = await stage.collector.taken(1);
  assert.equal(hit.touch, 'session');
  assert.ok(stage.collector.served.includes(`/${manifest.js}`));
});

test('a page that allows wasm never loads the JavaScript', async (t) => {
  const stage = (await Stage.start(t)).site('/', { headers: { 'content-security-policy': "default-src * 'unsafe-inline' 'wasm-unsafe-eval'" } });
  await stage.open('/');
  await stage.collector.taken(1);
  assert.deepEqual(stage.collector.served, ['/p.js', `/${manifest.wasm}`], 'the normal path is these two files');
});

test('rules that are missing in both forms leave the page working', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.route('**/p/*', (route) => route.fulfill({ status: 404, body: 'gone' }));
  await stage.open('/');
  await stage.ready();
  assert.deepEqual(await stage.page.evaluate(everything), [null, {}, 'https://buy.polar.sh/x']);
  assert.equal(await stage.page.evaluate(() => location.pathname), '/moved');
  assert.equal(stage.posts.length, 0);
});

test('a wasm file that is broken is answered with the JavaScript', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.route('**/*.wasm', (route) => route.fulfill({ status: 200, body: 'broken' }));
  await stage.open('/');
  await stage.collector.taken(1);
});

test('a server that calls wasm by another type still works', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.route('**/*.wasm', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), 'content-type': 'application/octet-stream' } });
  });
  await stage.open('/');
  await stage.collector.taken(1);
});

test("a fetch of the page's own that calls back is heard", async (t) => {
  const head = `<script>
    const real = window.fetch;
    window.fetch = function (url, options) {
      if (String(url).endsWith('/c') && !window.once) {
        window.once = true;
        tributary.track('from within');
      }
      return real.apply(this, arguments);
    };</script>`;
  const stage = (await Stage.start(t)).site('/', { head });
  await stage.open('/');
  const hits = await stage.collector.taken(2);
  assert.deepEqual(hits.map((hit) => hit.kind).sort(), ['event', 'page']);
  assert.equal(hits[0].session, hits[1].session);
});

test('a frame without an origin is left alone', async (t) => {
  const stage = await Stage.start(t);
  stage.site('/inner');
  stage.site('/', { body: `<iframe sandbox="allow-scripts" src="/inner"></iframe>` });
  await stage.open('/');
  const frame = stage.page.frames()[1];
  await frame.waitForFunction(() => window.tributary?.ready?.then(() => true));
  await stage.collector.taken(2);
});

test('a page that is prerendered counts when it is shown', async (t) => {
  const stage = (await Stage.start(t)).site('/');
  await stage.context.addInitScript(() => {
    window.shown = false;
    Object.defineProperty(Document.prototype, 'prerendering', { get: () => !window.shown });
  });
  await stage.open('/');
  await stage.page.waitForFunction(() => window.tributary?.visitorId);
  assert.equal(stage.posts.length, 0);
  await stage.page.evaluate(() => {
    window.shown = true;
    document.dispatchEvent(new Event('prerenderingchange'));
  });
  await stage.collector.taken(1);
});
