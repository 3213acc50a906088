// A collector that only records: serves the built pixel, takes hits as the real one does, keeps them for the test.
//
// It answers 202 with a visitor id that looks signed and sets it as the cookie. It stores and classifies nothing.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const dist = new URL('../../../pixel/dist/', import.meta.url);
export const manifest = JSON.parse(readFileSync(new URL('manifest.json', dist)));

/** The signed form of a visitor id, as far as a browser can tell. */
export const signed = (id) => (/^vis_[0-9a-z]{26}$/.test(id) ? `${id}_1${'m'.repeat(22)}` : id);

/** The id within either form. */
export const unsigned = (visitor) => visitor?.slice(0, 30);

export class Collector {
  /** The hits taken, but for those of time spent: how many there are depends on how fast the machine is. */
  hits = [];
  /** The built-in events `engaged`. */
  engaged = [];
  /** Paths of the pixel's files that were asked for. */
  served = [];
  /** What `POST /c` answers instead of taking the hit; null to take it. */
  broken = null;
  /** Bodies of `POST /c/forget`. */
  forgotten = [];
  /** Whether the answer sets the cookie, as it cannot from another site. */
  setsCookie = true;
  #waiting = [];
  #seen = new Set();

  static async start() {
    const collector = new Collector();
    collector.server = createServer((request, response) => collector.#answer(request, response));
    await new Promise((done) => collector.server.listen(0, '127.0.0.1', done));
    collector.origin = `http://localhost:${collector.server.address().port}`;
    return collector;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  /** The first `count` hits, as soon as there are so many. */
  taken(count) {
    if (this.hits.length >= count) return Promise.resolve(this.hits.slice(0, count));
    return new Promise((done, fail) => {
      const timer = setTimeout(
        () => fail(new Error(`${count} hits wanted, ${this.hits.length} came: ${JSON.stringify(this.hits)}`)),
        10_000,
      );
      this.#waiting.push(() => {
        if (this.hits.length < count) return false;
        clearTimeout(timer);
        done(this.hits.slice(0, count));
        return true;
      });
    });
  }

  /** Waits for so many built-in events `engaged`. */
  async engagedTaken(count) {
    const end = Date.now() + 10_000;
    while (this.engaged.length < count) {
      if (Date.now() > end) throw new Error(`${count} engaged wanted, ${this.engaged.length} came`);
      await new Promise((done) => this.server.once('taken', done));
    }
  }

  #answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const origin = request.headers.origin;
    const calls = { '/c': this.#take, '/c/handover': this.#hand, '/c/forget': this.#forget };
    if (request.method === 'POST' && calls[pathname]) {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => calls[pathname].call(this, body, request, response));
    } else if (manifest.files[pathname.slice(1)]) {
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'application/wasm';
      this.served.push(pathname);
      response.writeHead(200, { 'content-type': type, 'access-control-allow-origin': '*' });
      response.end(readFileSync(fileURLToPath(new URL(`.${pathname}`, dist))));
    } else {
      response.writeHead(404, { 'access-control-allow-origin': origin || '*' }).end();
    }
  }

  #hand(body, request, response) {
    const { visitor } = JSON.parse(body);
    const headers = { 'access-control-allow-origin': request.headers.origin, 'access-control-allow-credentials': 'true' };
    response.writeHead(200, headers).end(JSON.stringify({ handover: `${visitor}.t1.mac` }));
  }

  #forget(body, request, response) {
    this.forgotten.push(JSON.parse(body));
    const headers = { 'access-control-allow-origin': request.headers.origin, 'access-control-allow-credentials': 'true' };
    headers['set-cookie'] = '_trb=; Path=/; Max-Age=0; SameSite=Lax; Secure';
    response.writeHead(204, headers).end();
    this.server.emit('forgotten');
  }

  #take(body, request, response) {
    request.body = body;
    if (this.broken) return this.broken(request, response);
    if (Buffer.byteLength(body) > 64 * 1024) throw new Error('the pixel sent too much at once');
    const hits = [JSON.parse(body)].flat();
    for (const hit of hits) {
      const problem = wrong(hit);
      if (problem) throw new Error(`the pixel sent ${problem}: ${body}`);
    }
    const [hit] = hits;
    const headers = {
      'content-type': 'application/json',
      'access-control-allow-origin': request.headers.origin,
      'access-control-allow-credentials': 'true',
    };
    // The visitor of a hand-over stands against the page's own.
    const visitor = hit.handover ? hit.handover.split('.')[0] : signed(hit.visitor);
    if (this.setsCookie && hit.consent === 'granted') {
      headers['set-cookie'] = `_trb=${visitor}; Path=/; Max-Age=34560000; SameSite=Lax; Secure`;
    }
    response.writeHead(202, headers);
    response.end(JSON.stringify({ accepted: hits.length, rejected: [], visitor }));
    for (const hit of hits) {
      hit.cookie = /(?:^|; )_trb=([^;]*)/.exec(request.headers.cookie || '')?.[1];
      hit.type = request.headers['content-type'];
      // A page that is left may take a hit on its way for lost, and the next one sends it again: it counts once.
      if (this.#seen.has(hit.id)) continue;
      this.#seen.add(hit.id);
      (hit.name === 'engaged' ? this.engaged : this.hits).push(hit);
    }
    this.#waiting = this.#waiting.filter((check) => !check());
    this.server.emit('taken');
  }
}

/** What is wrong with a hit by the rules of the wire, in words; undefined when nothing is. */
function wrong(hit) {
  const ulid = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
  if (hit.ws !== 'ws_demo') return 'no workspace';
  if (!['page', 'event', 'identify'].includes(hit.kind)) return 'an unknown kind';
  if (!ulid.test(hit.id) || !ulid.test(hit.session)) return 'a bad id';
  if (hit.visitor !== undefined && !/^vis_[0-9a-hjkmnp-tv-z]{26}(_[\w-]+)?$/.test(hit.visitor)) return 'a bad visitor';
  for (const key of ['email', 'user']) if (hit[key] !== undefined && typeof hit[key] !== 'string') return `no ${key}`;
  if (hit.touch !== undefined && !['session', 'campaign'].includes(hit.touch)) return 'a bad touch';
  if (!/^https?:/.test(hit.url) || !Number.isInteger(hit.at)) return 'a bad page';
  if (!['granted', 'session'].includes(hit.consent)) return 'no consent';
  if (hit.url.length > 2000 || hit.ref?.length > 2000) return 'a long address';
  if (hit.kind === 'event' && !(hit.name?.length <= 100)) return 'no name';
}
