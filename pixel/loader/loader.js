// The script of the tag, `p.js`: keeps early calls, hooks into the page, loads the rules, hands them what happens
// and carries out what they answer.
//
// It decides nothing: every rule is in the wasm, or where a content security policy refuses wasm in the same rules
// as JavaScript. Whatever fails here or there, nothing is thrown into the page.
import { imports, room, run, use } from 'pixel';

start: {
  const page = window;
  const doc = document;
  const key = '_trb';
  const tag = doc.currentScript || doc.querySelector('script[data-workspace]');
  const api = (page.tributary = page.tributary || {});
  if (!tag || api.visitorId) break start; // A second tag on the page: the first one counts.

  const data = tag.dataset;
  const base = tag.src.replace(/[^/]*([?#].*)?$/, '');
  const collector = (data.endpoint || base).replace(/\/*$/, '/c');
  const log = (what) => 'debug' in data && console.log(key, what);
  // Nothing of ours may surface in the page's own call stack.
  const safe = (work) => (...all) => {
    try {
      return work(...all);
    } catch (error) {
      log(error);
    }
  };
  const on = (where, names, work) =>
    names.split(' ').forEach((name) => where.addEventListener(name, safe(work), { capture: true, passive: true }));
  // Storage and cookies throw where the browser, a frame's sandbox or an extension refuses them.
  const storage = safe(() => page.localStorage)();
  const queued = key + 'q';
  const kept = safe(() => storage.getItem(queued));

  // What was opened and where from, also when the app has changed the address before this script came.
  const entry = safe(() => performance.getEntriesByType('navigation')[0])() || {};
  const bare = (url) => url.replace(/#.*/, '');
  let opened = location.href;
  if (entry.name && bare(entry.name) != bare(opened)) opened = entry.name;

  // A new ULID, in lower case: ten characters of time, sixteen of chance.
  const ulid = () => {
    const bytes = new Uint8Array(26).map(() => Math.random() * 32);
    safe(() => crypto.getRandomValues(bytes))();
    const one = (byte, at) => '0123456789abcdefghjkmnpqrstvwxyz'[(at < 10 ? Date.now() / 32 ** (9 - at) : byte) % 32 | 0];
    return [...bytes].map(one).join('');
  };

  // Front, host, path, query and fragment of an address.
  const parts = (url) =>
    /^((?:https?:)?\/\/(?:[^/?#]*@)?([^/?#]*)([^?#]*)|[^?#]*)\??([^#]*)#?([^]*)/.exec(url || '').slice(1);

  // Asks the rules; see `Call` in config.rs for the order and `Pixel::call` for the letters.
  let rules;
  let isInside;
  const ask = (letter, about, url = location.href) => {
    if (!rules || isInside) return;
    isInside = 1;
    try {
      const address = parts(url);
      const text = [
        letter,
        Date.now(),
        ulid(),
        ' ' + safe(() => doc.cookie)(),
        safe(() => storage.getItem(key))(),
        ...address,
        (`&${address[3]}`.match(/&utm_[^&=]*=[^&]+/g) || []).sort().join(''),
        parts(doc.referrer)[1],
        /^[rb]/.test(entry.type) || '',
        navigator.globalPrivacyControl || navigator.doNotTrack == 1 || '',
        data.respectGpc,
        data.cookieDomain,
        data.consent,
        data.domains,
        data.refParams,
        data.checkout,
        data.checkoutHosts,
        data.spa,
        about,
      ].join('\0');
      const { read, written } = new TextEncoder().encodeInto(text, room());
      if (read < text.length) return;
      return run(written);
    } finally {
      isInside = 0;
    }
  };

  // Reports what happened, if the rules allow it. `how` is 1 when the page is being left.
  const hit = (letter, kind, more, how, url = location.href) => {
    const answer = ask(letter, '', url);
    if (!answer) return;
    const [visitor, session, consent, touch] = answer.split(' ');
    if (kind == 'page') {
      leave();
      shown = url;
    }
    const body = JSON.stringify({
      ws: data.workspace,
      kind,
      id: ulid(),
      visitor,
      session,
      touch: touch || undefined,
      url: url.slice(0, 2000),
      at: Date.now(),
      cookie_domain: data.cookieDomain,
      consent,
      ...first,
      ...more,
    });
    post([body], consent == 'granted', how);
  };
  // Sends hits. Those that did not arrive, or came too fast, are kept where the visitor agreed to that, and sent again
  // under their ids once the collector takes something. `done` is called for those that are kept when they are over.
  let flying = 0;
  const post = (bodies, isGranted, how, done) => {
    log(bodies);
    const body = bodies[1] ? `[${bodies}]` : bodies[0];
    const keep = () => {
      // The newest first; what does not fit is cut off, and a line cut in two is none.
      if (!done && isGranted && ask('v'))
        storage.setItem(queued, [...bodies, kept()].join('\n').slice(0, 16384).split('\n').slice(0, 20).join('\n'));
    };
    if (how && isGranted) return navigator.sendBeacon(collector, body) || keep();
    // Browsers let 64 KiB be under way that outlive their page; a character is up to three bytes.
    flying += body.length;
    return fetch(collector, {
      method: 'POST',
      body,
      keepalive: flying < 2e4,
      credentials: isGranted ? 'include' : 'omit',
    })
      .then((answer) => {
        if (answer.status > 428) return keep();
        if (done) done();
        return answer.ok && answer.json();
      })
      .then((answer) => {
        if (!answer) return;
        first = 0;
        ask('a', answer.visitor);
        resend();
      }, keep)
      .catch(log)
      .then(() => (flying -= body.length));
  };
  const resend = safe(() => kept() && ask('v') && more().then((file) => file.resend(tools)).catch(log));

  // Within the limits of the wire in characters and bytes, and without lone surrogates, which UTF-8 cannot carry.
  const cut = (text, length, bytes = length * 3) => {
    const room = new Uint8Array(bytes);
    const { written } = new TextEncoder().encodeInto(('' + text).slice(0, length), room);
    return new TextDecoder().decode(room.slice(0, written)) || undefined;
  };
  // What JSON makes of them, but for what is no text, number or truth value.
  const flat = (props) =>
    Object.fromEntries(
      Object.entries(JSON.parse(JSON.stringify(props || {})))
        .filter(([, value]) => typeof value != 'object')
        .slice(0, 30)
        .map(([name, value]) => [cut(name, 100), typeof value == 'string' ? value && cut(value, 500) : value]),
    );

  // The public calls. What comes before the rules are up waits, and so does what comes while they work: the page's
  // own wrapper of cookie or storage may call us from within.
  let waiting = [];
  const calls = {
    track: (name, props) => name && hit('t', 'event', { name: cut(name, 100, 100), props: flat(props) }),
    identify: (who) => {
      const { email, userId, traits } = typeof who == 'string' ? { email: who } : who;
      if (email || userId) hit('t', 'identify', { email: cut(email || '', 254, 254), user: cut(userId || '', 200, 200), traits: flat(traits) });
    },
    page: () => hit('p', 'page'),
    consent: (word) => {
      const cookies = safe(() => doc.cookie)();
      ask('c', word);
      if (word != 'granted') {
        safe(() => storage.removeItem(queued))();
        // A collector on a host of its own has a cookie there, out of reach from here.
        if (/_trb=/.test(cookies)) more().then((file) => file.forget(tools)).catch(log);
      }
      land();
    },
  };
  const call = safe((name, ...all) => {
    if (isInside) Promise.resolve().then(() => call(name, ...all));
    else if (rules) calls[name](...all);
    else if (waiting) waiting.push([name, ...all]);
  });
  for (const name in calls) api[name] = (...all) => call(name, ...all);
  api.visitorId = safe(() => ask('v') || null);
  api.checkoutMetadata = () => {
    const id = api.visitorId();
    return id ? { tributary_visitor_id: id } : {};
  };
  const decorate = (element, letter) => {
    for (const name of ['href', 'data-polar-checkout']) {
      const link = ask(letter, '', element.getAttribute(name) || '');
      if (link) element.setAttribute(name, link);
    }
  };
  api.decorate = (what) =>
    safe(() => {
      if (!what.tagName) return ask('d', '', what);
      decorate(what, 'd');
      if (what.matches(concerns)) near(0, [what]);
    })() || what;
  const early = safe(([name, ...all]) => api[name](...all));
  const queue = api.q || [];
  api.q = { push: (...all) => all.forEach(early) };
  let settle;
  api.ready = new Promise((done) => (settle = done));

  // What not every visit needs is in a file of its own, loaded when something that concerns it comes near being used.
  const more = () => import(base + MORE_FILE);
  const near = (event, path) => more().then((file) => file.used(event, path, tools)).catch(log);
  const concerns =
    '[data-tributary-event],[data-tributary-identify],stripe-buy-button,stripe-pricing-table,.paddle_button';

  // Time the page was looked at by somebody who did something within the last half minute.
  let shown;
  let engaged = 0;
  let active = Date.now();
  const stir = () => {
    const now = Date.now();
    engaged += Math.max(0, Math.min(now - active, 3e4));
    active = now;
  };
  const leave = () => {
    stir();
    if (engaged > 999 && shown) hit('e', 'event', { name: 'engaged', engaged }, 1, shown);
    engaged = 0;
  };

  const hook = safe(() => {
    // At the moment a link is used, whenever it was made: before the page's own handlers read it.
    on(page, 'pointerover pointerdown click auxclick focusin submit', (event) => {
      const path = event.composedPath().filter((node) => node.matches);
      const link = path.find((node) => node.matches('a[href],[data-polar-checkout]'));
      if (link) decorate(link, 'D');
      const isAway = ({ host, pathname }) => pathname && (host != location.host || /\.\w+$/.test(pathname));
      if (page.Paddle || path.some((node) => node.matches(concerns) || isAway(node))) near(event, path);
    });
    for (const name of ['pushState', 'replaceState']) {
      const before = history[name];
      history[name] = function () {
        const result = before.apply(this, arguments);
        safe(hit)(name < 'q' ? 'm' : 'r', 'page');
        return result;
      };
    }
    on(page, 'popstate hashchange', () => hit('m', 'page'));
    on(page, 'pointermove keydown scroll', stir);
    on(page, 'visibilitychange pagehide pageshow', ({ type, persisted }) => {
      if (persisted && type == 'pageshow') hit('b', 'page');
      if (type == 'pagehide' || doc.visibilityState == 'hidden') {
        leave();
        active = Infinity;
      } else active = Date.now();
    });
    on(page, 'online', resend);
  });

  // What every hit carries until one is answered: the token of a hand-over.
  let first;
  const land = () => {
    hit('l', 'page', { ref: doc.referrer.slice(0, 2000) || undefined }, 0, opened);
    // The address may have changed since the page was opened.
    if (location.href != opened) hit('r', 'page');
  };
  const begin = ([exports, file]) => {
    use((rules = exports), [doc, storage]);
    if (file) [first, opened] = file.arrive(opened, tools);
    active = Date.now();
    // What the visitor said about consent comes before anything is counted.
    const all = waiting;
    waiting = 0;
    const isConsent = ([name]) => name == 'consent';
    all.filter(isConsent).forEach((one) => call(...one));
    safe(land)();
    all.forEach((one) => isConsent(one) || call(...one));
    if (page.Paddle || doc.querySelector(concerns)) near(0, []);
  };
  // By place, as `more.js` takes them.
  const tools = [data, collector, ask, hit, call, flat, on, post, log, storage, queued];
  const load = () => {
    const got = Promise.resolve()
      .then(() => fetch(base + WASM_FILE))
      .then((answer) => answer.arrayBuffer())
      .then((bytes) => WebAssembly.instantiate(bytes, imports()))
      .then((made) => made.instance.exports)
      .catch((error) => {
        log(error);
        return import(base + JS_FILE).then((file) => file.start(imports()));
      });
    Promise.all([got, (data.domains || /[?&]_trb=/.test(opened)) && more()])
      .then(begin)
      .catch((error) => (waiting = log(error)))
      .then(settle);
  };

  hook();
  queue.forEach(early);
  // A prerendered page may never be looked at.
  if (doc.prerendering) doc.addEventListener('prerenderingchange', load, { once: true });
  else load();
}
