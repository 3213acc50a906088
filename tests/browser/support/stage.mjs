// One test's stage: a fresh browser profile, a site with the pages the test writes, and a recording collector.
//
// The page must stay unharmed in every test: an error that reaches it fails the test at its end.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';

import { Collector } from './collector.mjs';

/** Whether the pages of this run refuse wasm, as many shops' policies do (`run.sh`). */
export const refusesWasm = process.env.TRIBUTARY_WASM === 'refused';

let browser;

/** Call once at the top of a test file: one browser for its tests. */
export function useBrowser() {
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  after(() => browser.close());
}

/** Attributes of a tag as HTML. */
const attributes = (all) =>
  Object.entries(all)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('');

export class Stage {
  #pages = new Map();
  /** Every request of the browser to `POST /c`, answered or not. */
  posts = [];
  errors = [];

  static async start(t) {
    const stage = new Stage();
    stage.collector = await Collector.start();
    stage.server = createServer((request, response) => {
      const page = stage.#pages.get(new URL(request.url, 'http://x').pathname);
      // Without `wasm-unsafe-eval` no wasm is compiled.
      const policy = refusesWasm && { 'content-security-policy': "script-src http: https: 'unsafe-inline'" };
      response.writeHead(page ? 200 : 404, { 'content-type': 'text/html; charset=utf-8', ...policy, ...page?.headers });
      response.end(page?.html ?? '');
    });
    await new Promise((done) => stage.server.listen(0, '127.0.0.1', done));
    stage.origin = `http://localhost:${stage.server.address().port}`;
    stage.context = await browser.newContext();
    stage.context.on('request', (request) => {
      if (request.url() === `${stage.collector.origin}/c`) stage.posts.push(request);
    });
    stage.page = await stage.newPage();
    t.after(async () => {
      await stage.context.close();
      stage.server.closeAllConnections();
      await new Promise((done) => stage.server.close(done));
      await stage.collector.stop().catch(() => {});
      assert.deepEqual(stage.errors, [], 'no error may reach the page');
    });
    return stage;
  }

  async newPage() {
    const page = await this.context.newPage();
    page.on('pageerror', (error) => this.errors.push(String(error)));
    return page;
  }

  /** Puts a page on the site. `tag`: further attributes of the script tag; `head` comes before it. */
  site(path, { tag = {}, head = '', body = '', headers = {} } = {}) {
    const script = attributes({ src: `${this.collector.origin}/p.js`, 'data-workspace': 'ws_demo', ...tag });
    const html = `<!doctype html><title>${path}</title>${head}<script async${script}></script>${body}`;
    this.#pages.set(path, { html, headers });
    return this;
  }

  /** Opens a path of the site. */
  open(path, options) {
    return this.page.goto(this.origin + path, options);
  }

  /** Waits until the pixel is up, or has given up. */
  ready(page = this.page) {
    return page.waitForFunction(() => window.tributary?.ready?.then(() => true));
  }

  /** Waits until the collector's answer has reached the page: from then on the visitor is the signed one. */
  answered(page = this.page) {
    return page.waitForFunction(() => window.tributary?.visitorId?.()?.length > 30);
  }

  /** The cookie's value. */
  async cookie() {
    return (await this.context.cookies()).find((cookie) => cookie.name === '_trb');
  }

  /** What the pixel keeps in storage, null when nothing. */
  stored(page = this.page) {
    return page.evaluate(() => localStorage.getItem('_trb'));
  }
}
