// The pixel beside other trackers' packages: bytes, and main-thread time of cold loads, in one Chromium.
//
// Every script stands on the same bare page of a loopback site and sends to a loopback stand-in that answers 200 to
// everything; each load has a fresh profile. Time is what `Performance.getMetrics` counts from before the navigation
// until a second after the load, less the same of the bare page: the script's own, and the whole task time.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';

const LOADS = Number(process.env.LOADS || 12);
const { build } = createRequire(new URL('../../../pixel/package.json', import.meta.url))('esbuild');
const dist = new URL('../../../pixel/dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('manifest.json', dist)));
const read = (name) => readFileSync(new URL(name, dist));

/** A package and what a site writes to count one page with it, as one script. */
async function bundled(contents) {
  const folder = new URL('.', import.meta.url).pathname;
  const options = { bundle: true, minify: true, write: false, format: 'iife', target: 'es2020', logLevel: 'error' };
  const define = { 'process.env.NODE_ENV': '"production"' };
  const result = await build({ ...options, define, stdin: { contents, resolveDir: folder } });
  return Buffer.from(result.outputFiles[0].contents);
}

const here = 'location.origin';
const peers = {
  Plausible: `import { init } from '@plausible-analytics/tracker';
    init({ domain: 'shop.example', endpoint: ${here} + '/event', captureOnLocalhost: true });`,
  PostHog: `import posthog from 'posthog-js';
    posthog.init('phc_bench', { api_host: ${here}, advanced_disable_flags: true, disable_session_recording: true });`,
  Segment: `import { AnalyticsBrowser } from '@segment/analytics-next';
    AnalyticsBrowser.load({ writeKey: 'bench', cdnURL: ${here} }).page();`,
  Snowplow: `import { newTracker, trackPageView } from '@snowplow/browser-tracker';
    newTracker('sp', ${here}, { appId: 'bench' }); trackPageView();`,
};

const scripts = {};
for (const [name, contents] of Object.entries(peers)) scripts[name] = { '/s.js': await bundled(contents) };
const files = Object.fromEntries(Object.keys(manifest.files).map((name) => [`/${name}`, read(name)]));
const only = (...names) => Object.fromEntries(names.map((name) => [`/${name}`, files[`/${name}`]]));
const subjects = {
  'Tributary, wasm': { weighs: only('p.js', manifest.wasm), serves: files, tag: '/p.js" data-workspace="ws_demo' },
  'Tributary, JavaScript': {
    // The wasm comes too before it is refused.
    weighs: only('p.js', manifest.wasm, manifest.js),
    serves: files,
    tag: '/p.js" data-workspace="ws_demo',
    policy: "script-src 'self' 'unsafe-inline'",
  },
  ...Object.fromEntries(Object.entries(scripts).map(([name, own]) => [name, { weighs: own, serves: own, tag: '/s.js' }])),
  'a bare page': { weighs: {}, serves: {}, tag: '' },
};

let subject;
const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/page') {
    const headers = { 'content-type': 'text/html', ...(subject.policy && { 'content-security-policy': subject.policy }) };
    response.writeHead(200, headers);
    response.end(`<!doctype html><title>x</title>${subject.tag && `<script async src="${subject.tag}"></script>`}<p>x`);
  } else if (subject.serves[path]) {
    response.writeHead(200, { 'content-type': path.endsWith('.js') ? 'text/javascript' : 'application/wasm' });
    response.end(subject.serves[path]);
  } else {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"integrations":{}}');
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];

/** Median milliseconds of script and of all tasks, over cold loads. */
async function time(rate) {
  const script = [];
  const task = [];
  for (let load = 0; load < LOADS; load += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    await session.send('Emulation.setCPUThrottlingRate', { rate });
    const metrics = async () => {
      const { metrics } = await session.send('Performance.getMetrics');
      return Object.fromEntries(metrics.map(({ name, value }) => [name, value * 1000]));
    };
    await page.goto(`http://localhost:${server.address().port}/page`, { waitUntil: 'load' });
    await page.waitForTimeout(1000);
    const after = await metrics();
    script.push(after.ScriptDuration);
    task.push(after.TaskDuration);
    await context.close();
  }
  return { script: median(script), task: median(task) };
}

const rows = [];
for (const [name, one] of Object.entries(subjects)) {
  subject = one;
  const all = Object.values(one.weighs);
  const sum = (size) => all.reduce((total, bytes) => total + size(bytes).length, 0);
  const bytes = [sum((b) => b), sum((b) => gzipSync(b, { level: 9 })), sum((b) => brotliCompressSync(b))];
  rows.push({ name, bytes, once: await time(1), slow: await time(4) });
}
await browser.close();
server.close();

const bare = rows.pop();
const less = (one, other) => Math.max(0, one - other).toFixed(1);
for (const { name, bytes, once, slow } of rows) {
  const ms = (what) => `${less(once[what], bare.once[what])} / ${less(slow[what], bare.slow[what])} ms`;
  const aim = name === 'Tributary, wasm' ? '6,000 B; script 2 / 8 ms' : '–';
  console.log(`${name}: raw / gzip / brotli bytes ${bytes.join(' / ')}; script ${ms('script')}, tasks ${ms('task')} at 1× / 4× | see left | ${aim}`);
}
