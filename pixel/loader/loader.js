// The script of the tag, `p.js`: keeps early calls, hooks into the page, loads the wasm, hands it what happens and
// carries out what it answers.
//
// It decides nothing: every rule is in the wasm. Whatever fails here or there, nothing is thrown into the page,
// and without wasm (a content security policy may refuse it) the page works and nothing is counted.
import { initSync, room, run } from 'pixel';
import { noted } from './effects.js';

(() => {
  const page = window;
  const doc = document;
  const key = '_trb';
  const tag = doc.currentScript || doc.querySelector('script[data-workspace]');
  const api = (page.tributary = page.tributary || {});
  if (!tag || api.visitorId) return; // A second tag on the page: the first one counts.

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
  // Storage and cookies throw where the browser, a frame's sandbox or an extension refuses them.
  const storage = safe(() => page.localStorage)();
  const cookies = safe(() => doc.cookie);
  const stored = safe(() => storage.getItem(key));

  // Carries out what the wasm itself does not: see `Effects` in pixel.rs. The last is the answer to the caller.
  const effects = {
    p: (text) => post(text, 'omit'),
    P: (text) => post(text, 'include'),
    v: (text) => text,
  };
  let isInside;
  let memory;
  const ask = (letter, url, ...all) => {
    // The page's own wrapper of cookie or storage called us from within: after this call.
    if (isInside) return void Promise.resolve().then(() => ask(letter, url, ...all));
    let answer;
    const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(48)).map((byte) => 64 | (byte & 31)));
    const text = [letter, Date.now(), random, page.innerWidth, cookies(), stored(), url || location.href, ...all].join('\0');
    const bytes = new TextEncoder().encode(text);
    isInside = 1;
    try {
      // First the room, which may move the memory.
      const at = room(bytes.length);
      new Uint8Array(memory.buffer).set(bytes, at);
      run(bytes.length, page, doc, storage);
    } finally {
      isInside = 0;
    }
    for (const [effect, text] of noted.splice(0)) answer = safe(effects[effect])(text);
    return answer;
  };
  const post = (body, credentials) => {
    log(body);
    if (!page.fetch) return navigator.sendBeacon(collector, body);
    fetch(collector, { method: 'POST', body, keepalive: true, credentials })
      .then((answer) => answer.ok && answer.json())
      .then((answer) => {
        ask('a', '', (answer && answer.visitor) || '');
        sweep();
      })
      .catch(log);
  };

  // Flat, within the limits of the wire, and without lone surrogates, which JSON can carry but UTF-8 cannot.
  const cut = (text, length) => text.slice(0, length).replace(/\p{Cs}/gu, '\ufffd');
  const flat = (props) => {
    const kept = Object.entries(props || {})
      .map(([name, value]) => [cut(name, 100), typeof value == 'string' ? cut(value, 500) : value])
      .filter(([, value]) => typeof value == 'string' || value === !!value || Number.isFinite(value));
    return kept.length ? JSON.stringify(Object.fromEntries(kept.slice(0, 30))) : '';
  };

  // What waits until the wasm is up: the public calls and our own hooks.
  let waiting = [];
  let isUp;
  const calls = {
    track: (name, props) => name && ask('t', '', name, flat(props)),
    identify: (who) => {
      const { email, userId, traits } = typeof who == 'string' ? { email: who } : who;
      if (email || userId) ask('i', '', email, userId, flat(traits));
    },
    page: () => ask('p'),
    consent: (word) => {
      ask('c', '', word);
      sweep();
    },
  };
  const call = safe((name, ...all) => {
    if (isUp) calls[name] ? calls[name](...all) : ask(name, ...all);
    else if (waiting) waiting.push([name, ...all]);
  });
  for (const name in calls) api[name] = (...all) => call(name, ...all);
  api.visitorId = safe(() => (isUp && ask('v')) || null);
  api.checkoutMetadata = () => {
    const id = api.visitorId();
    return id ? { tributary_visitor_id: id } : {};
  };
  api.decorate = (what) =>
    safe(() => {
      if (!isUp) return;
      if (typeof what == 'string') return ask('d', '', what);
      decorate(what, 'd');
    })() || what;
  const early = safe((all) => api[all[0]](...[].slice.call(all, 1)));
  const kept = api.q || [];
  api.q = { push: (...all) => all.forEach(early) };
  let settle;
  api.ready = new Promise((done) => (settle = done));

  // Checkout links and elements, each by its provider's own means.
  const wanted =
    ['polar.sh/', 'buy.stripe.com/', 'lemonsqueezy.com/', ...(data.checkoutHosts || '').split(',')]
      .map((host) => host && `a[href*="${host}"],`)
      .join('') + '[data-polar-checkout],stripe-buy-button,stripe-pricing-table,.paddle_button';
  const decorate = (element, letter) => {
    for (const name of ['href', 'data-polar-checkout']) {
      const link = ask(letter, '', element.getAttribute(name) || '');
      if (link) element.setAttribute(name, link);
    }
    const id = ask('v');
    if (!id || (letter == 'D' && data.checkout == 'off')) return;
    const reference = 'client-reference-id';
    if (/^STRIPE-/.test(element.tagName)) {
      if (!element.hasAttribute(reference)) element.setAttribute(reference, id);
    } else if (element.matches('.paddle_button')) {
      element.dataset.customData = JSON.stringify({
        tributary_visitor_id: id,
        ...JSON.parse(element.dataset.customData || '{}'),
      });
    }
  };
  const sweep = safe(() => isUp && doc.querySelectorAll(wanted).forEach(safe((element) => decorate(element, 'D'))));

  const hook = safe(() => {
    // At the moment a link is used, whenever it was made: before the page's own handlers read it.
    for (const name of ['pointerdown', 'click', 'focusin'])
      page.addEventListener(
        name,
        safe((event) => {
          const element = isUp && event.composedPath().find((node) => node.matches && node.matches(wanted));
          if (element) decorate(element, 'D');
        }),
        true,
      );
    for (const name of ['pushState', 'replaceState']) {
      const before = history[name];
      history[name] = function () {
        const result = before.apply(this, arguments);
        call(name < 'q' ? 'm' : 'r', location.href);
        return result;
      };
    }
    for (const name of ['popstate', 'hashchange']) page.addEventListener(name, () => call('m', location.href));
    doc.addEventListener('DOMContentLoaded', sweep);
  });

  // What was opened and where from, also when the app has changed the address before this script came.
  const [entry] = performance.getEntriesByType('navigation');
  const bare = (url) => url.replace(/#.*/, '');
  const opened = entry && bare(entry.name) != bare(location.href) ? entry.name : location.href;
  const begin = (module) => {
    memory = initSync({ module }).memory;
    const flags =
      (entry && /^(re|ba)/.test(entry.type) ? 'return,' : '') +
      (navigator.globalPrivacyControl || navigator.doNotTrack == 1 ? 'gpc' : '');
    // In the order of `Config`.
    const lines = [
      data.workspace,
      data.cookieDomain,
      data.consent,
      data.domains,
      data.refParams || 'ref,via,aff',
      data.checkout,
      data.checkoutHosts,
      data.spa,
      data.respectGpc,
    ];
    ask('s', opened, lines.join('\n'), doc.referrer, flags);
    isUp = 1;
    // What the visitor said about consent comes before anything is counted.
    const first = waiting;
    waiting = 0;
    first.forEach((all) => all[0] == 'consent' && call(...all));
    call('l');
    call('r', location.href);
    first.forEach((all) => all[0] == 'consent' || call(...all));
    sweep();
  };

  const load = () => {
    const get = () => fetch(base + WASM_FILE);
    // `compileStreaming` is missing in old browsers and refuses a wrong content type.
    new Promise((done) => done(WebAssembly.compileStreaming(get())))
      .catch(() =>
        get()
          .then((answer) => answer.arrayBuffer())
          .then((bytes) => WebAssembly.compile(bytes)),
      )
      .then(begin)
      .catch((error) => {
        log(error);
        isUp = waiting = 0;
      })
      .then(settle);
  };

  hook();
  kept.forEach(early);
  // A prerendered page may never be looked at.
  if (doc.prerendering) doc.addEventListener('prerenderingchange', load, { once: true });
  else load();
})();
