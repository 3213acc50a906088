// The snippets of docs/consent.md, as they stand there, against stand-ins that speak each consent tool's protocol.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

const docs = readFileSync(new URL('../../docs/consent.md', import.meta.url), 'utf8');
const snippet = (name) => new RegExp(`<!-- snippet ${name} -->\\n\`\`\`html\\n([^]*?)\`\`\``).exec(docs)[1];

const stub = `<script>
window.tributary = window.tributary || { q: [] };
['identify', 'track', 'page', 'consent'].forEach((name) => (tributary[name] = (...all) => tributary.q.push([name, ...all])));
</script>`;

/** What each tool puts on the page, and what it does when the visitor says yes or no. */
const tools = {
  google: {
    before: `<script>window.dataLayer = []; function gtag() { dataLayer.push(arguments); }
      gtag('consent', 'default', { analytics_storage: 'denied', ad_storage: 'denied' });</script>`,
    says: (answer) => gtag('consent', 'update', { analytics_storage: answer ? 'granted' : 'denied' }),
  },
  tcf: {
    // The tool's script comes after ours, as it often does.
    after: `<script>
      window.listeners = [];
      const consents = {};
      window.data = (eventStatus) => ({ tcfPolicyVersion: 4, gdprApplies: true, eventStatus, cmpStatus: 'loaded',
        tcString: 'CP', listenerId: 1, purpose: { consents, legitimateInterests: {} }, vendor: { consents: {} } });
      window.__tcfapi = (command, version, callback) => {
        if (command === 'addEventListener') {
          listeners.push(callback);
          callback(data('cmpuishown'), true);
        }
      };
      window.choose = (answer) => {
        for (const purpose of [1, 8]) consents[purpose] = answer;
        listeners.forEach((callback) => callback(data('useractioncomplete'), true));
      };</script>`,
    says: async (answer) => {
      while (!listeners.length) await new Promise((done) => setTimeout(done, 20));
      choose(answer);
    },
  },
  onetrust: {
    before: '<script>window.OnetrustActiveGroups = ",C0001,";</script>',
    says: (answer) => {
      window.OnetrustActiveGroups = answer ? ',C0001,C0002,' : ',C0001,';
      window.dispatchEvent(new CustomEvent('OneTrustGroupsUpdated', { detail: window.OnetrustActiveGroups.split(',') }));
    },
  },
  cookiebot: {
    before: '<script>window.Cookiebot = { hasResponse: false, consent: { necessary: true, statistics: false } };</script>',
    says: (answer) => {
      Object.assign(Cookiebot, { hasResponse: true, consented: answer, declined: !answer });
      Cookiebot.consent.statistics = answer;
      window.dispatchEvent(new Event(answer ? 'CookiebotOnAccept' : 'CookiebotOnDecline'));
    },
  },
};

for (const [name, { before = '', after = '', says }] of Object.entries(tools)) {
  test(`${name}: nothing before the answer, counting after a yes, nothing kept after a no`, async (t) => {
    const head = before + stub + snippet(name) + after;
    const stage = (await Stage.start(t)).site('/', { head, tag: { 'data-consent': 'required' } });
    await stage.open('/?utm_source=news');
    await stage.ready();
    assert.equal(stage.posts.length, 0);
    assert.equal(await stage.cookie(), undefined);
    await stage.page.evaluate(says, true);
    const [hit] = await stage.collector.taken(1);
    assert.equal(hit.consent, 'granted');
    assert.match(hit.url, /utm_source=news/);
    await stage.answered();
    await stage.page.evaluate(says, false);
    assert.equal(await stage.cookie(), undefined);
    assert.equal(await stage.stored(), null);
    assert.equal(await stage.page.evaluate(() => tributary.visitorId()), null);
  });
}
