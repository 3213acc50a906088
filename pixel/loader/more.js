// What few pages need, in a file of its own: the elements of other providers than Polar, and the way to sister sites.
//
// Loaded when the page has such an element, or its tag has `data-domains`. Like the loader it decides nothing.

const reference = 'client-reference-id';

/** Puts the visitor on elements that take it by other means than a link; existing values stay. */
export function elements(all, { ask }) {
  const id = ask('v');
  if (!id) return;
  for (const element of all) {
    const data = element.dataset;
    if (!element.matches('.paddle_button')) {
      if (!element.hasAttribute(reference)) element.setAttribute(reference, id);
    } else if (!/tributary_visitor_id/.test(data.customData)) {
      data.customData = JSON.stringify({ ...JSON.parse(data.customData || '{}'), tributary_visitor_id: id });
    }
  }
}

/** The address without the token of a hand-over. */
const without = (url) => url.replace(/([?&])_trb=[\w.-]*(&|(?=#|$))/, (all, first, last) => last && first);

/**
 * Takes the token off the address the page was opened with, and keeps one at hand for links to sister sites: asked
 * for when a link comes near being used, put on it when it is. Returns what the first hit carries, and the address.
 */
export function arrive(opened, { ask, on, data, collector, log }) {
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
    if (!link || ask('o', link.href) != 'sister') return;
    const visitor = ask('v');
    // A token lives ten minutes. Only a signed id can be handed over.
    if (visitor.length > 30 && Date.now() - asked_ms > 3e5) fetchToken(visitor);
    if (token && /k$/.test(event.type)) {
      const url = without(link.href);
      link.href = url.replace(/#|$/, `${url.includes('?') ? '&' : '?'}_trb=${token}$&`);
    }
  });
  const found = /[?&]_trb=([\w.-]+)/.exec(opened);
  // Not through our own hook: this is no step of the page's.
  if (found) History.prototype.replaceState.call(history, history.state, '', without(location.href));
  return [found && { handover: found[1] }, without(opened)];
}
