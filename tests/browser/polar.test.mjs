// A page with Polar's own embed script, as `@polar-sh/checkout` publishes it: what it opens carries the visitor.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Stage, useBrowser } from './support/stage.mjs';

useBrowser();

const embed = readFileSync(new URL('node_modules/@polar-sh/checkout/dist/embed.global.js', import.meta.url), 'utf8');
const LINK = 'https://buy.polar.sh/polar_cl_x';

/** A stage whose Polar answers with an empty page, and the addresses its embed opened. */
async function withEmbed(t, body) {
  const stage = (await Stage.start(t)).site('/', { body: `${body}<script data-auto-init="true">${embed}</script>` });
  stage.opened = [];
  await stage.context.route('https://buy.polar.sh/**', (route) => {
    stage.opened.push(new URL(route.request().url()));
    return route.fulfill({ contentType: 'text/html', body: '<title>Polar</title>' });
  });
  await stage.open('/?utm_source=news&utm_campaign=autumn');
  await stage.answered();
  return stage;
}

const visitor = (stage) => stage.page.evaluate(() => tributary.visitorId());

for (const [name, element] of [
  ['a link', `<a href="${LINK}" data-polar-checkout>Buy</a>`],
  ['a link inside which something else is clicked', `<a href="${LINK}" data-polar-checkout><b>Buy</b></a>`],
]) {
  test(`${name} opens Polar's embed with the visitor and the campaign`, async (t) => {
    const stage = await withEmbed(t, element);
    const request = stage.page.waitForRequest(/buy\.polar\.sh/);
    await stage.page.click('b, a');
    const query = new URL((await request).url()).searchParams;
    assert.equal(query.get('reference_id'), await visitor(stage));
    assert.deepEqual([query.get('utm_source'), query.get('utm_campaign')], ['news', 'autumn']);
    assert.equal(query.get('embed'), 'true', "it was Polar's script that opened it");
  });
}

test("an embed's own reference stays", async (t) => {
  const stage = await withEmbed(t, `<a href="${LINK}?reference_id=mine" data-polar-checkout>Buy</a>`);
  const request = stage.page.waitForRequest(/buy\.polar\.sh/);
  await stage.page.click('a');
  assert.equal(new URL((await request).url()).searchParams.get('reference_id'), 'mine');
});
