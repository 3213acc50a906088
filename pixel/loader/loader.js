// The script of the tag, `p.js`: keeps early calls, hooks into the page, loads the wasm and hands it what happens.
//
// It decides nothing: every rule is in the wasm. Whatever fails here or there, nothing is thrown into the page,
// and without wasm (a content security policy may refuse it) the page works and nothing is counted.
import { initSync, run, start } from 'pixel';
import { link } from './page.js';

(() => {
  const page = window;
  const doc = document;
  const tag = doc.currentScript || doc.querySelector('script[data-workspace]');
  const api = (page.tributary = page.tributary || {});
  if (!tag || api.visitorId) return; // A second tag on the page: the first one counts.

  const base = tag.src.split(/[?#]/)[0].replace(/[^/]*$/, '');
  const collector = (tag.dataset.endpoint || base).replace(/\/*$/, '/c');
  const log = tag.hasAttribute('data-debug') ? (...all) => console.log('tributary', ...all) : () => {};
  // Before the app can change it: what was opened and where from.
  const opened = [location.href, doc.referrer];

  // Calls wait here until the wasm is up; null when it never will be.
  let waiting = [];
  let isUp = false;

  // Nothing of ours may surface in the page's own call stack.
  const safe = (work) => (...all) => {
    try {
      return work(...all);
    } catch (error) {
      log(error);
    }
  };
  const ask = (letter, a = '', b = '', c = '') => run(letter, '' + a, '' + b, '' + c, location.href);

  // name NUL typed-value NUL … : what `props.rs` reads.
  const flat = (props) =>
    Object.entries(props || {})
      .map(([name, value]) => name + '\0' + (typeof value)[0] + value)
      .join('\0');

  // What can wait: the public calls and our own hooks.
  const calls = {
    track: (name, props) => ask('t', name, flat(props)),
    identify: (who) => {
      const { email, userId, traits } = typeof who == 'string' ? { email: who } : who;
      ask('i', email, userId, flat(traits));
    },
    page: () => ask('p'),
    consent: (word) => {
      ask('c', word);
      sweep();
    },
    move: (letter, url) => run(letter, '', '', '', url),
  };
  const call = safe((name, ...all) => {
    if (isUp) calls[name](...all);
    else if (waiting) waiting.push([name, ...all]);
  });
  const early = (all) => api[all[0]] && api[all[0]](...all.slice(1));

  for (const name of ['track', 'identify', 'page', 'consent']) api[name] = (...all) => call(name, ...all);
  api.visitorId = safe(() => (isUp && ask('v')) || null);
  api.checkoutMetadata = () => {
    const id = api.visitorId();
    return id ? { tributary_visitor_id: id } : {};
  };
  api.decorate = (what) => {
    safe(() => {
      if (!isUp) return;
      if (typeof what == 'string') what = ask('d', what) || what;
      else decorate(what, 'd');
    })();
    return what;
  };
  let settle;
  api.ready = new Promise((done) => (settle = done));
  const kept = api.q || [];
  api.q = { push: (...all) => all.forEach(safe(early)) };
  kept.forEach(safe(early));

  // Checkout links and elements, each by its provider's own means.
  const hosts = ['polar.sh/', 'buy.stripe.com/', 'lemonsqueezy.com/'];
  for (const host of (tag.dataset.checkoutHosts || '').split(',')) host.trim() && hosts.push(host.trim() + '/');
  const wanted =
    hosts.map((host) => `a[href*="${CSS.escape(host)}"]`) +
    ',[data-polar-checkout],stripe-buy-button,stripe-pricing-table,.paddle_button';
  const decorate = (element, letter) => {
    for (const name of ['href', 'data-polar-checkout']) {
      const link = element.getAttribute(name);
      const better = link && ask(letter, link);
      if (better) element.setAttribute(name, better);
    }
    const id = ask('v');
    if (!id || (letter == 'D' && tag.dataset.checkout == 'off')) return;
    if (element.matches('stripe-buy-button,stripe-pricing-table')) {
      if (!element.hasAttribute('client-reference-id')) element.setAttribute('client-reference-id', id);
    } else if (element.matches('.paddle_button')) {
      const data = { tributary_visitor_id: id, ...JSON.parse(element.dataset.customData || '{}') };
      element.dataset.customData = JSON.stringify(data);
    }
  };
  const sweep = safe(() => doc.querySelectorAll(wanted).forEach(safe((element) => decorate(element, 'D'))));

  link.post = (body, isGranted) => {
    log(body);
    if (!page.fetch) return navigator.sendBeacon(collector, body);
    fetch(collector, { method: 'POST', body, keepalive: true, credentials: isGranted ? 'include' : 'omit' })
      .then((answer) => answer.ok && answer.json())
      .then((answer) => {
        if (answer && answer.visitor) {
          ask('a', answer.visitor);
          sweep();
        }
      })
      .catch(log);
  };

  const hook = () => {
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
    for (const [name, letter] of [['pushState', 'm'], ['replaceState', 'r']]) {
      const before = history[name];
      history[name] = function () {
        const result = before.apply(this, arguments);
        call('move', letter, location.href);
        return result;
      };
    }
    for (const name of ['popstate', 'hashchange']) page.addEventListener(name, () => call('move', 'm', location.href));
    doc.addEventListener('DOMContentLoaded', () => isUp && sweep());
  };

  const begin = (module) => {
    initSync({ module });
    const entry = performance.getEntriesByType('navigation')[0];
    start(page, tag, ...opened, !!entry && /^(reload|back)/.test(entry.type));
    isUp = true;
    // What the visitor said about consent comes before anything is counted.
    waiting.filter(([name]) => name == 'consent').forEach((all) => call(...all));
    safe(ask)('l');
    waiting.filter(([name]) => name != 'consent').forEach((all) => call(...all));
    waiting = null;
    sweep();
  };

  const load = () => {
    const get = () => fetch(base + WASM_FILE);
    const slow = () =>
      get()
        .then((answer) => answer.arrayBuffer())
        .then((bytes) => WebAssembly.compile(bytes));
    // `compileStreaming` is missing in old browsers and refuses a wrong content type.
    new Promise((done) => done(WebAssembly.compileStreaming(get())))
      .catch(slow)
      .then(begin)
      .catch((error) => {
        isUp = false;
        waiting = null;
        log(error);
      })
      .then(settle);
  };

  safe(hook)();
  // A prerendered page may never be looked at.
  if (doc.prerendering) doc.addEventListener('prerenderingchange', load, { once: true });
  else load();
})();
