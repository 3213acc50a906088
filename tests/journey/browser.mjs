// Chromium as a person uses it, and small sites on free ports.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../browser/package.json", import.meta.url))("playwright-core");

// Headless Chromium names itself, and the collector refuses it as the bot it is: come as a person does.
export const userAgent =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

/** A site that answers every path with the page `html(host)`; `host` without its port. */
export async function site(html) {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(html(request.headers.host.split(":")[0]));
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const stop = () => new Promise((done) => (server.closeAllConnections(), server.close(done)));
  return { port: server.address().port, stop };
}

export async function until(what, ask) {
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; ) {
    const found = await ask();
    if (found) return found;
    await new Promise((next) => setTimeout(next, 200));
  }
  throw new Error(`waited in vain for ${what}`);
}
