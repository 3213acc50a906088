// The script of the tag, `p.js`: keeps early calls, hooks into the page, loads the rules, hands them what happens
// and carries out what they answer.
//
// It decides nothing: every rule is in the wasm, or where a content security policy refuses wasm in the same rules
// as JavaScript. Whatever fails here or there, nothing is thrown into the page.
import { imports, use } from 'pixel';
import { answered } from './answer.js';

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

  // Asks the rules; see `Call` in config.rs for the order and `Pixel::call` for the letters.
  let rules;
  let isInside;
  const ask = (letter, about, url) => {
    if (!rules || isInside) return;
    isInside = 1;
    try {
      const random = new Uint8Array(48).map(() => Math.random() * 32);
      safe(() => crypto.getRandomValues(random))();
      const text = [
        letter,
        Date.now(),
        String.fromCharCode(...random.map((byte) => 64 | (byte & 31))),
        safe(() => doc.cookie)(),
        safe(() => storage.getItem(key))(),
        url || location.href,
        doc.referrer,
        /^(re|ba)/.test(entry.type) ? 1 : '',
        navigator.globalPrivacyControl || navigator.doNotTrack == 1 ? 1 : '',
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
      const { read, written } = new TextEncoder().encodeInto(text, new Uint8Array(rules.memory.buffer, rules.room(), 65536));
      if (read < text.length) return;
      rules.run(written);
      return answered;
    } finally {
      isInside = 0;
    }
  };

  // Reports what happened, if the rules allow it. `how` is 1 when the page is being left.
  const hit = (letter, kind, more, how, url = location.href) => {
    const answer = ask(letter, '', url);
    if (!answer) return;
    const [id, visitor, session, consent, touch] = answer.split(' ');
    if (kind == 'page') {
      leave();
      shown = url;
    }
    const body = JSON.stringify({
      ws: data.workspace,
      kind,
      id,
      visitor,
      session,
      touch: touch || undefined,
      url: cut(url, 2000),
      at: Date.now(),
      width: page.innerWidth,
      cookie_domain: data.cookieDomain,
      consent,
      ...more,
    });
    post([body], consent == 'granted', how);
  };
  // Sends hits. Those that did not arrive are kept where the visitor agreed to that, and sent again under their ids.
  let flying = 0;
  const post = (bodies, isGranted, how) => {
    log(bodies);
    const body = bodies[1] ? `[${bodies}]` : bodies[0];
    const keep = () => {
      if (!isGranted || !ask('v')) return;
      const all = [kept(), ...bodies].filter((one) => one);
      while (all.length > 20 || all.join('\n').length > 16384) all.shift();
      storage.setItem(queued, all.join('\n'));
    };
    if (how && isGranted && navigator.sendBeacon) return navigator.sendBeacon(collector, body) || keep();
    if (!page.fetch) return;
    // Browsers let 64 KiB be under way that outlive their page.
    flying += body.length;
    fetch(collector, {
      method: 'POST',
      body,
      keepalive: flying < 3e4,
      credentials: isGranted ? 'include' : 'omit',
    })
      .then((answer) => (answer.ok ? answer.json() : answer.status > 499 && keep()))
      .then((answer) => answer && ask('a', answer.visitor), keep)
      .catch(log)
      .then(() => (flying -= body.length));
  };
  const resend = safe(() => {
    const all = ask('v') && kept();
    if (!all) return;
    storage.removeItem(queued);
    post(all.split('\n').map((body) => body.replace(/(,"sent":\d+)?}$/, `,"sent":${Date.now()}}`)), 1);
  });

  // Within the limits of the wire, and without lone surrogates, which JSON can carry but UTF-8 cannot.
  const cut = (text, length) => (text && ('' + text).slice(0, length).replace(/\p{Cs}/gu, '\ufffd')) || undefined;
  const flat = (props) => {
    const all = Object.entries(props || {})
      .map(([name, value]) => [cut(name, 100), typeof value == 'string' ? cut(value, 500) || '' : value])
      .filter(([, value]) => typeof value == 'string' || value === !!value || Number.isFinite(value));
    return all[0] && Object.fromEntries(all.slice(0, 30));
  };

  // The public calls. What comes before the rules are up waits, and so does what comes while they work: the page's
  // own wrapper of cookie or storage may call us from within.
  let waiting = [];
  const calls = {
    track: (name, props) => name && hit('t', 'event', { name: cut(name, 100), props: flat(props) }),
    identify: (who) => {
      const { email, userId, traits } = typeof who == 'string' ? { email: who } : who;
      if (email || userId) hit('t', 'identify', { email: cut(email, 254), user: cut(userId, 200), traits: flat(traits) });
    },
    page: () => hit('p', 'page'),
    consent: (word) => {
      ask('c', word);
      if (word != 'granted') safe(() => storage.removeItem(queued))();
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
      const link = ask(letter, element.getAttribute(name));
      if (link) element.setAttribute(name, link);
    }
    elements([element]);
  };
  api.decorate = (what) => safe(() => (what.tagName ? decorate(what, 'd') : ask('d', what)))() || what;
  const early = safe((all) => api[all[0]](...[].slice.call(all, 1)));
  const queue = api.q || [];
  api.q = { push: (...all) => all.forEach(early) };
  let settle;
  api.ready = new Promise((done) => (settle = done));

  // What few pages need is in a file of its own: other providers' elements, and sister sites.
  const more = () => import(base + MORE_FILE);
  const tools = { ask, on, data, collector, log };
  const others = 'stripe-buy-button,stripe-pricing-table,.paddle_button';
  const elements = (all) => {
    const known = [...all].filter((one) => one.matches(others));
    if (known[0]) more().then((file) => file.elements(known, tools)).catch(log);
  };

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
    on(page, 'pointerdown click auxclick focusin submit', (event) => {
      const find = (wanted) => event.composedPath().find((node) => node.matches && node.matches(wanted));
      const isSubmit = event.type == 'submit';
      const isClick = /k$/.test(event.type) && event.button < 2;
      const link = !isSubmit && find('[href],[data-polar-checkout]');
      if (link) {
        const url = link.href;
        if (data.checkout != 'off') decorate(link, 'D');
        const name = isClick && data.outbound != 'off' && ask('o', url);
        if (name && name != 'sister') hit('e', 'event', { name, props: flat({ url }) });
      }
      if (isSubmit || isClick) {
        const goal = find((isSubmit ? 'form' : ':not(form)') + '[data-tributary-event]');
        if (goal) call('track', goal.dataset.tributaryEvent, JSON.parse(goal.dataset.tributaryProps || '{}'));
      }
      const form = isSubmit && find('[data-tributary-identify]');
      if (form) {
        const name = form.dataset.tributaryIdentify;
        const field = form.querySelector(name ? `[name="${name}"]` : '[type=email]');
        if (field) call('identify', field.value);
        hit('e', 'event', { name: 'form' });
      }
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
    on(doc, 'DOMContentLoaded', sweep);
  });
  const sweep = () => rules && data.checkout != 'off' && elements(doc.querySelectorAll(others));

  // The address may have changed since the page was opened.
  let first;
  const land = () => {
    hit('l', 'page', { ref: cut(doc.referrer, 2000), ...first }, 0, opened);
    hit('r', 'page');
    sweep();
  };
  const begin = ([exports, file]) => {
    use((rules = exports), [page, doc, storage]);
    if (file) [first, opened] = file.arrive(opened, tools);
    active = Date.now();
    // What the visitor said about consent comes before anything is counted.
    const all = waiting;
    waiting = 0;
    const isConsent = ([name]) => name == 'consent';
    all.filter(isConsent).forEach((one) => call(...one));
    safe(land)();
    all.forEach((one) => isConsent(one) || call(...one));
    safe(resend)();
  };
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
    Promise.all([got, data.domains && more()])
      .then(begin)
      .catch((error) => {
        log(error);
        rules = waiting = 0;
      })
      .then(settle);
  };

  hook();
  queue.forEach(early);
  // A prerendered page may never be looked at.
  if (doc.prerendering) doc.addEventListener('prerenderingchange', load, { once: true });
  else load();
})();
