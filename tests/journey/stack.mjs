// The server, the shop and the Polar stand-in as own processes on free ports, with data in a folder of
// their own. Never leaves a process behind.

import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = join(root, process.env.CARGO_TARGET_DIR ?? "target", "debug");
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

// Addresses must be known to all three before the first starts, so ports are asked for ahead.
async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => probe.once("listening", ready));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

async function answers(url, process) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (process.exitCode !== null) throw new Error(`${process.spawnfile} ended before it answered`);
    const ok = await fetch(url).then((answer) => answer.ok, () => false);
    if (ok) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`${url} did not answer in time`);
}

/** A folder of its own, programs on free ports with it as their data, and their end. */
async function ground() {
  const data = mkdtempSync(join(tmpdir(), "tributary-journey-"));
  const server = await freePort();
  const env = {
    ...process.env,
    TRIBUTARY_DATA_DIR: data,
    TRIBUTARY_HTTP_LISTEN: `127.0.0.1:${server}`,
    TRIBUTARY_HTTP_PUBLIC_URL: address(server),
    TRIBUTARY_PIXEL_DIR: join(root, "pixel", "dist"),
    TRIBUTARY_LOG_FILTER: "warn",
  };
  const run = (name, ...args) => {
    const done = spawnSync(join(bin, name), args, { env, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${name} ${args[0]} failed: ${done.stderr}`);
    return done.stdout.trim();
  };
  const started = [];
  const begin = (name, ...args) => {
    const child = spawn(join(bin, name), args, { env, stdio: ["ignore", "ignore", "inherit"] });
    started.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of started.reverse()) {
      if (child.exitCode !== null) continue;
      const gone = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await gone;
    }
    rmSync(data, { recursive: true, force: true });
  };
  const asks = (key) => async (path) => {
    const answer = await fetch(address(server) + path, { headers: { authorization: `Bearer ${key}` } });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  return { data, server, run, begin, stop, asks };
}

const address = (port) => `http://localhost:${port}`;

/** The server alone, with the workspace `ws_sites` for the given domains and a Polar connection. */
export async function startServer(domains) {
  const { server, run, begin, stop, asks } = await ground();
  try {
    run("tributary", "workspace", "create", "ws_sites", ...domains.flatMap((domain) => ["--domain", domain]));
    run("tributary", "connection", "add", "polar", "--workspace", "ws_sites", "--webhook-secret", SECRET);
    const key = /trb_live_\S+/.exec(run("tributary", "key", "create", "--workspace", "ws_sites"))[0];
    await answers(`${address(server)}/readyz`, begin("tributary", "serve"));
    return { port: server, server: address(server), api: asks(key), run, stop, sell: sells(server) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Delivers a webhook as Polar signs it. */
const sells = (server) => async (event) => {
  const body = JSON.stringify(event);
  const [id, seconds] = [`evt_${event.data.id}`, Math.floor(Date.now() / 1000)];
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": `v1,${signature}`,
  };
  const answer = await fetch(`${address(server)}/webhooks/polar/ws_sites`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`the webhook was answered ${answer.status}: ${await answer.text()}`);
};

export async function start() {
  const { data, server, run, begin, stop, asks } = await ground();
  const [shop, polar] = [await freePort(), await freePort()];
  try {
    run("tributary", "demo", "prepare", "--polar", address(polar), "--webhook-secret", SECRET, "--shop", address(shop));
    const serving = begin("tributary", "serve");
    const selling = begin("polar-standin", "--listen", `127.0.0.1:${polar}`, "--public-url", address(polar),
      "--success-url", `${address(shop)}/thanks?checkout_id={CHECKOUT_ID}`,
      "--webhook-url", `http://127.0.0.1:${server}/webhooks/polar/ws_demo`, "--webhook-secret", SECRET);
    const showing = begin("shop", "--listen", `127.0.0.1:${shop}`, "--public-url", address(shop),
      "--collector-url", address(server), "--polar-url", address(polar));
    await answers(`${address(server)}/readyz`, serving);
    await answers(`${address(polar)}/standin/clock`, selling);
    await answers(`${address(shop)}/`, showing);
  } catch (error) {
    await stop();
    throw error;
  }
  const api = asks(readFileSync(join(data, "demo.key"), "utf8").trim());
  return { server: address(server), shop: address(shop), polar: address(polar), run, api, stop };
}
