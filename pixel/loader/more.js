// What not every visit needs, in a file of its own: links that lead away and downloads, goals and forms, the elements
// of other checkouts than Polar's, Paddle's overlay, sister sites, the hits that are sent again, and taking back a cookie.
//
// `loader.js` loads it when something that concerns it comes near being used, when hits wait to be sent again, when
// consent is withdrawn, or when the tag has `data-domains` or the address the token of a hand-over. What is allowed the rules decide, through `ask` and `hit`.

/** Endings of files that are saved rather than read. */
const DOWNLOADS =
  /\.(pdf|zip|t?gz|7z|rar|dmg|exe|msi|pkg|deb|rpm|apk|iso|csv|xlsx?|docx?|pptx?|epub|mp3|mp4|mov|wav|avi)$/i;

/** Other providers' elements, which carry the visitor in an attribute. */
const ELEMENTS = 'stripe-buy-button,stripe-pricing-table,.paddle_button';

/** What Paddle's data or attribute says, with the visitor. A value that is there stays. */
const withVisitor = (custom, id) => ({ tributary_visitor_id: id, ...custom });

/** Whether a host is one of the tag's sister sites, or below one. */
const isSister = (host, { domains = '' }) =>
  domains.split(',').some((site) => site && `.${host}`.endsWith(`.${site.trim().replace(/^www\./, '')}`));

/** What is done about an event whose path has something of ours on it; without one, about elements alone. */
export function used(event, path, tools) {
  found(tools);
  if (!event) return path.forEach((node) => hand(node, tools));
  const [data, , ask, hit, call, flat] = tools;
  const find = (wanted) => path.find((node) => node.matches(wanted));
  const isSubmit = event.type == 'submit';
  const isClick = /k$/.test(event.type) && event.button < 2;
  const link = find('a[href]');
  if (data.checkout != 'off') path.filter((node) => node.matches(ELEMENTS)).forEach((node) => hand(node, tools));
  if (isClick && link && data.outbound != 'off') {
    const isAway = link.hostname != location.hostname && /^http/.test(link.protocol);
    const name = DOWNLOADS.test(link.pathname) || link.download ? 'download' : isAway && 'outbound';
    const own = location.hostname.replace(/^www\./, '');
    const isOwn = name == 'outbound' && (`.${link.hostname}`.endsWith(`.${own}`) || isSister(link.hostname, data));
    if (name && !isOwn) hit('e', 'event', { name, props: flat({ url: link.href }) });
  }
  const goal = (isSubmit || isClick) && find((isSubmit ? 'form' : ':not(form)') + '[data-tributary-event]');
  if (goal) call('track', goal.dataset.tributaryEvent, JSON.parse(goal.dataset.tributaryProps || '{}'));
  const form = isSubmit && find('[data-tributary-identify]');
  if (form) {
    const name = form.dataset.tributaryIdentify;
    const field = form.querySelector(name ? `[name="${name}"]` : '[type=email]');
    if (field && field.value) call('identify', field.value);
    hit('e', 'event', { name: 'form' });
  }
}

/** Hands the visitor to the elements on the page, and to what opens Paddle's checkout from now on. */
function found(tools) {
  const [data, , ask, , , , , , log] = tools;
  if (data.checkout == 'off') return;
  document.querySelectorAll(ELEMENTS).forEach((element) => hand(element, tools));
  const { Checkout } = window.Paddle || {};
  if (!Checkout || Checkout.open.isOurs) return;
  const { open } = Checkout;
  Checkout.open = function (options, ...rest) {
    let all = options;
    try {
      const id = ask('v');
      if (id) all = { ...options, customData: withVisitor((options || {}).customData, id) };
    } catch (error) {
      log(error);
    }
    return open.call(this, all, ...rest);
  };
  Checkout.open.isOurs = true;
}

/** Hands the visitor to another provider's element by its own means; existing values stay. */
function hand(element, [, , ask]) {
  const id = ask('v');
  if (!id || !element.matches(ELEMENTS)) return;
  if (element.matches('.paddle_button')) {
    const custom = JSON.parse(element.dataset.customData || '{}');
    if (!custom.tributary_visitor_id || isOld(custom.tributary_visitor_id, id))
      element.dataset.customData = JSON.stringify({ ...custom, tributary_visitor_id: id });
    return;
  }
  const name = 'client-reference-id';
  const before = element.getAttribute(name);
  if (before == null || isOld(before, id)) element.setAttribute(name, id);
}

/** Whether a value is the visitor as it was before the collector had signed it. */
const isOld = (value, id) => value.length == 30 && value != id && id.startsWith(value);

let isResending;

/**
 * Sends the hits that did not arrive, under their own ids, with the time of sending. They stay kept until the collector
 * has answered: a page that is left meanwhile loses none.
 */
export function resend([, , , , , , , post, , storage, queued]) {
  // What was cut in two is none.
  const whole = () => (storage.getItem(queued) || '').split('\n').filter((body) => body.endsWith('}'));
  const all = whole();
  if (isResending || !all[0]) return;
  isResending = true;
  const stamp = (body) => body.replace(/(,"sent":\d+)?}$/, `,"sent":${Date.now()}}`);
  post(all.map(stamp), true, 0, () => {
    const left = whole().filter((body) => !all.includes(body));
    if (left[0]) storage.setItem(queued, left.join('\n'));
    else storage.removeItem(queued);
  }).then(() => (isResending = false));
}

/** Has a collector on a host of its own take its cookie back, which this page cannot reach. Names nobody. */
export function forget([data, collector]) {
  if (new URL(collector, location).host == location.host) return;
  const body = JSON.stringify({ ws: data.workspace, cookie_domain: data.cookieDomain });
  return fetch(collector + '/forget', { method: 'POST', body, credentials: 'include', keepalive: true });
}

/** The address without the token of a hand-over. */
const without = (url) => url.replace(/([?&])_trb=[\w.-]*(&|(?=#|$))/, (all, first, last) => last && first);

/**
 * Takes the token off the address the page was opened with, and keeps one at hand for links to sister sites: asked
 * for when a link comes near being used, put on it when it is. Returns what the first hit carries, and the address.
 */
export function arrive(opened, [data, collector, ask, , , , on, , log]) {
  let token;
  let asked_ms = 0;
  const fetchToken = (visitor) => {
    asked_ms = Date.now();
    const body = JSON.stringify({ ws: data.workspace, visitor });
    fetch(collector + '/handover', { method: 'POST', body, credentials: 'include' })
      .then((answer) => answer.json())
      .then((answer) => (token = answer.handover))
      .catch((error) => {
        log(error);
        asked_ms = 0;
      });
  };
  on(window, 'pointerover pointerdown focusin click auxclick', (event) => {
    const link = event.composedPath().find((node) => node.matches && node.matches('a[href]'));
    if (!link || !isSister(link.hostname, data) || link.hostname == location.hostname) return;
    const visitor = ask('v');
    // A token lives ten minutes. Only a signed id can be handed over, and only that of somebody who agreed to a
    // cookie.
    if (visitor.length > 30 && document.cookie.includes(visitor) && Date.now() - asked_ms > 3e5) fetchToken(visitor);
    if (token && visitor && /k$/.test(event.type)) {
      const url = without(link.href);
      link.href = url.replace(/#|$/, `${url.includes('?') ? '&' : '?'}_trb=${token}$&`);
    }
  });
  const found = /[?&]_trb=([\w.-]+)/.exec(opened);
  // Not through our own hook: this is no step of the page's.
  if (found) History.prototype.replaceState.call(history, history.state, '', without(location.href));
  return [found && { handover: found[1] }, without(opened)];
}
