// The pixel beside other trackers' packages: bytes, and main-thread time of cold loads, in one Chromium.
//
// Every script stands on the same bare page of a loopback site and sends to a loopback stand-in that takes everything;
// no other host can be reached. Each load has a fresh profile, and all scripts take turns, so that a busy moment of the
// machine falls on all of them. Time is what `Performance.getMetrics` counts from the navigation until nothing was sent
// for a while, less the same of the bare page: the script's own, and the whole task time.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { brotliCompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';

const LOADS = Number(process.env.LOADS || 12);
/** No round of loads begins later than this after the start: the part of the bench ends in time, with fewer loads. */
const SECONDS = Number(process.env.PIXEL_SECONDS || 150);
/** A load is over this long after the last request … */
const QUIET_MS = 250;
/** … and never later than this: some wait for seconds to gather events before they send. */
const WAIT_MS_MAX = 1000;
const started = performance.now();

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

const files = Object.fromEntries(Object.keys(manifest.files).map((name) => [`/${name}`, read(name)]));
const only = (...names) => names.map((name) => files[`/${name}`]);
const ours = { serves: files, tag: '/p.js" data-workspace="ws_demo' };
const subjects = [
  { name: 'a bare page', weighs: [], serves: {}, tag: '' },
  { ...ours, name: 'Tributary, wasm', weighs: only('p.js', manifest.wasm) },
  // The wasm comes too before it is refused.
  {
    ...ours,
    name: 'Tributary, JavaScript',
    weighs: only('p.js', manifest.wasm, manifest.js),
    policy: "script-src 'self' 'unsafe-inline'",
  },
];
// What no tracker of visits can do without: who is it, was it here before, send it. On this browser and machine the rest
// is a tracker's own.
const least = `document.cookie; localStorage.getItem('x'); document.cookie = 'x=1';
  fetch('/event', { method: 'POST', body: '{}', keepalive: true });`;
subjects.push({ name: 'the least: cookie, storage, one request', weighs: [], serves: { '/s.js': least }, tag: '/s.js' });
for (const [name, contents] of Object.entries(peers)) {
  const script = await bundled(contents);
  subjects.push({ name, weighs: [script], serves: { '/s.js': script }, tag: '/s.js' });
}
// Umami publishes no package of its tracker; who has its built script may lay it beside the others.
if (process.env.UMAMI_SCRIPT) {
  const script = readFileSync(process.env.UMAMI_SCRIPT);
  const tag = '/s.js" data-website-id="2f0e3f3e-6a0c-4a2e-9f0e-3f3e6a0c4a2e';
  subjects.push({ name: 'Umami', weighs: [script], serves: { '/s.js': script }, tag });
}

let subject;
let lastRequestAt = 0;
let hits = 0;
const server = createServer((request, response) => {
  lastRequestAt = performance.now();
  const path = request.url.split('?')[0];
  if (path === '/page') {
    const headers = { 'content-type': 'text/html', ...(subject.policy && { 'content-security-policy': subject.policy }) };
    response.writeHead(200, headers);
    response.end(`<!doctype html><title>x</title>${subject.tag && `<script async src="${subject.tag}"></script>`}<p>x`);
  } else if (subject.serves[path]) {
    response.writeHead(200, { 'content-type': path.endsWith('.wasm') ? 'application/wasm' : 'text/javascript' });
    response.end(subject.serves[path]);
  } else {
    hits += request.method === 'POST' ? 1 : 0;
    // Segment asks for its settings, which say where to send; the others read nothing of it.
    const settings = { integrations: { 'Segment.io': { apiKey: 'bench', apiHost: request.headers.host, protocol: 'http' } } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(settings));
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    ...['--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost'],
  ],
});

/** Milliseconds of script and of all tasks of one cold load. */
async function load(one, rate) {
  subject = one;
  hits = 0;
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('Emulation.setCPUThrottlingRate', { rate });
  await page.goto(`http://localhost:${server.address().port}/page`, { waitUntil: 'load' });
  const loadedAt = performance.now();
  const isOver = () => {
    const now = performance.now();
    const isQuiet = now - Math.max(loadedAt, lastRequestAt) > QUIET_MS;
    return now - loadedAt > WAIT_MS_MAX || (isQuiet && (hits > 0 || one.tag === ''));
  };
  while (!isOver()) await new Promise((done) => setTimeout(done, 20));
  const { metrics } = await session.send('Performance.getMetrics');
  await context.close();
  const ms = (wanted) => metrics.find(({ name }) => name === wanted).value * 1000;
  return { script: ms('ScriptDuration'), task: ms('TaskDuration'), hits };
}

const taken = new Map(subjects.flatMap((one) => [[`${one.name} 1`, []], [`${one.name} 4`, []]]));
let rounds = 0;
// The first round warms the browser up and is not counted.
for (let round = 0; round <= LOADS && (round < 2 || performance.now() - started < SECONDS * 1000); round += 1) {
  for (const rate of [1, 4]) {
    for (const one of subjects) {
      const times = await load(one, rate);
      if (round > 0) taken.get(`${one.name} ${rate}`).push(times);
    }
  }
  rounds = round;
}
await browser.close();
server.close();

const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1];
const middle = (one, rate, what) => median(taken.get(`${one.name} ${rate}`).map((times) => times[what]));
const [bare, ...shown] = subjects;
for (const one of shown) {
  const brotli = one.weighs.reduce((sum, bytes) => sum + brotliCompressSync(bytes).length, 0);
  const own = (rate, what) => Math.max(0, middle(one, rate, what) - middle(bare, rate, what)).toFixed(1);
  const both = (what) => `${own(1, what)} / ${own(4, what)} ms`;
  const sent = taken.get(`${one.name} 1`).every((times) => times.hits > 0) ? '' : '; sends later';
  const aim = one.name === 'Tributary, wasm' ? '≤ 6,000 B; script ≤ 2 / 8 ms' : '-';
  const value = `${brotli.toLocaleString('en')} B; script ${both('script')}, all tasks ${both('task')}${sent}`;
  console.log(`${one.name}: brotli; time at full speed / at a quarter (${rounds} loads) | ${value} | ${aim}`);
}
if (!process.env.UMAMI_SCRIPT) {
  console.log('Umami | not measured: it publishes no package of its tracker (UMAMI_SCRIPT=file measures a built one) | -');
}
