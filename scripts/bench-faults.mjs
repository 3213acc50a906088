// Bad days, measured from outside. Called by bench-faults-*.sh with the name of one, the program and the load
// generator, both in processes of their own. Every figure is of one run on this machine.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";

const [part, program, load] = process.argv.slice(2);
const rate = Number(process.env.FAULTS_RATE ?? 5000);
const outageSeconds = Number(process.env.FAULTS_OUTAGE ?? 60);
const inboxMegabytes = Number(process.env.FAULTS_INBOX_MB ?? 1024);
const workspace = "ws_faults";
const port = 4693;

const now = () => Number(process.hrtime.bigint()) / 1e6;
const pause = (ms) => new Promise((next) => setTimeout(next, ms));
const row = (name, value, target) => console.log(`${name} | ${value} | ${target}`);

function folder() {
  const place = join(program, "../../bench-faults");
  mkdirSync(place, { recursive: true });
  return mkdtempSync(join(place, "run-"));
}

const environment = (data, more = {}) => ({
  ...process.env,
  TRIBUTARY_DATA_DIR: data,
  TRIBUTARY_HTTP_LISTEN: `127.0.0.1:${port}`,
  TRIBUTARY_LOG_FILTER: "off",
  TRIBUTARY_COLLECTOR_WORKSPACE_HITS_PER_SECOND: "0",
  ...more,
});

function get(path) {
  return new Promise((done, failed) => {
    const call = request({ host: "127.0.0.1", port, path, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk)).on("end", () => done({ status: answer.statusCode, text }));
    });
    call.on("error", failed);
    call.end();
  });
}

const metric = async (name) =>
  Number((await get("/metrics")).text.match(new RegExp(`^${name} (\\S+)$`, "m"))?.[1] ?? 0);
const waitingBytes = () => metric("tributary_inbox_waiting_bytes");

function prepare(data) {
  const args = ["workspace", "create", workspace, "--domain", "shop.example"];
  const done = spawnSync(program, args, { env: environment(data), encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
}

/** Starts the server and waits until it serves. */
async function start(data, more = {}) {
  const begun = now();
  const child = spawn(program, ["serve"], { env: environment(data, more), stdio: ["ignore", "ignore", "inherit"] });
  for (;;) {
    const alive = await get("/healthz").catch(() => ({ status: 0 }));
    if (alive.status === 200) return { child, ready_ms: now() - begun };
    if (child.exitCode !== null) throw new Error("the server ended before it served");
    await pause(5);
  }
}

async function end(child, signal = "SIGTERM") {
  const gone = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await gone;
}

const resident_mb = (child) =>
  Number(readFileSync(`/proc/${child.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;

/** Runs the generator; answers what it printed, by name. */
function generate(...args) {
  return new Promise((done) => {
    const all = ["--to", `127.0.0.1:${port}`, "--workspace", workspace, ...args.map(String)];
    const child = spawn(load, all, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.once("exit", () =>
      done(Object.fromEntries(text.trim().split("\n").map((line) => line.match(/^(\S+)\s+(.*)$/).slice(1)))));
  });
}

async function connections() {
  const data = folder();
  prepare(data);
  const { child } = await start(data);
  await generate("--seconds", 2, "--connections", 8, "--seed", 1);
  const alone = await generate("--seconds", 10, "--connections", 8, "--rate", 500, "--seed", 2);
  const slow = generate("--hold", "heads", "--connections", 4000, "--seconds", 40);
  await pause(5000);
  const beside = await generate("--seconds", 30, "--connections", 8, "--rate", 500, "--seed", 3);
  const held = await slow;
  row("4,000 half-sent heads, kept up for 40 s: a healthy client's p99", `${beside.p99} (alone ${alone.p99})`, "< 20 ms");
  row("the same: refused or broken requests of the healthy client", beside.refused, "{}");
  row("the same: longest a half-sent head lived", held.longest, "10 s");
  const bodies = await generate("--hold", "bodies", "--connections", 500, "--seconds", 36);
  row("500 half-sent bodies: longest one lived", bodies.longest, "30 s");
  const many = await generate("--connections", 10000, "--seconds", 20, "--seed", 4);
  const resident = resident_mb(child);
  row("10,000 connections: refused or broken", many.refused, "{}");
  row("10,000 connections: requests/s, p99", `${many["requests/s"]}/s, ${many.p99}`, ">= 40000/s");
  row("10,000 connections: memory, embedded engine included", `${resident.toFixed(0)} MB`, "300 MB");
  await end(child);
  rmSync(data, { recursive: true });
}

/** Refused requests as fast as they come, from one network and then from ever new ones. */
async function flood() {
  const data = folder();
  prepare(data);
  // The generator names its clients as a proxy does.
  const { child } = await start(data, { TRIBUTARY_HTTP_TRUSTED_PROXIES: "127.0.0.1" });
  const healthy = (seconds, seed) =>
    generate("--seconds", seconds, "--connections", 8, "--rate", 200, "--seed", seed);
  await healthy(3, 1);
  const alone = await healthy(10, 2);
  for (const [seed, who, what, ...options] of [
    [10, "one", "one address far over its rate (429)"],
    [20, "many", "a foreign page, every request from another network (403)", "--foreign"],
  ]) {
    await generate("--seconds", 3, "--connections", 64, "--clients", who, ...options, "--seed", seed);
    const before = resident_mb(child);
    const attack = generate("--seconds", 40, "--connections", 64, "--clients", who, ...options, "--seed", seed + 1);
    const beside = await healthy(35, seed + 2);
    const attacked = await attack;
    const grown = resident_mb(child) - before;
    row(`flood by ${what}: answers/s`, `${attacked.answered}/s ${attacked.refused}`, "-");
    row("the same: p99 of a client at 200/s beside it", `${beside.p99} (alone ${alone.p99})`, "< 50 ms");
    row("the same: refused or broken requests of that client", beside.refused, "{}");
    const requests = Math.round((attacked.answered * 40) / 1000);
    row(`the same: memory after ${requests},000 of them`, `${grown >= 0 ? "+" : ""}${grown.toFixed(0)} MB`, "< 100 MB");
  }
  await end(child);
  rmSync(data, { recursive: true });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port: free } = server.address();
  await new Promise((done) => server.close(done));
  return free;
}

/** ClickHouse as a process of its own: the embedded engine behind its HTTP port. */
async function startStore(data, storePort) {
  const child = spawn(program, ["engine", "--listen", `127.0.0.1:${storePort}`], {
    env: { ...environment(data), TRIBUTARY_STORE_URL: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((done) => child.stdout.once("data", done));
  return child;
}

async function outage() {
  const [data, storeData, storePort] = [folder(), folder(), await freePort()];
  let store = await startStore(storeData, storePort);
  prepare(data);
  const { child } = await start(data, { TRIBUTARY_STORE_URL: `http://127.0.0.1:${storePort}` });
  const paced = (seconds, seed) =>
    generate("--seconds", seconds, "--connections", 64, "--rate", rate, "--seed", seed);
  await paced(5, 1);
  const normal = await paced(20, 2);
  await end(store, "SIGKILL");
  const before = resident_mb(child);
  const away = await paced(outageSeconds, 3);
  const grown = resident_mb(child) - before;
  const waiting = await waitingBytes();
  const hits = Number(away["requests/s"]) * outageSeconds;
  store = await startStore(storeData, storePort);
  // Hits go on arriving while it drains.
  const arriving = paced(20, 4);
  const begun = now();
  while ((await waitingBytes()) > waiting / 20) await pause(50);
  const seconds = (now() - begun) / 1000;
  const arrival = Number((await arriving)["requests/s"]);
  const drained = (hits * 0.95) / seconds + arrival;
  const scaled = `; ten minutes at this rate would be ${((waiting / outageSeconds) * 600 / 1e6).toFixed(0)} MB on disk`;
  row(`store away ${outageSeconds} s at ${away["requests/s"]}/s: ingest p99`, `${away.p99} (normal ${normal.p99})`, "within 2 ×");
  row("the same: refused or broken requests", away.refused, "{}");
  row("the same: memory", `${grown >= 0 ? "+" : ""}${grown.toFixed(0)} MB`, "± 50 MB");
  row("the same: waiting at its end", `${(waiting / 1e6).toFixed(0)} MB${scaled}`, "-");
  row("the same: drained after the store came back", `${seconds.toFixed(1)} s, ${(drained / arrival).toFixed(1)} × arrival`, ">= 5 ×");
  await end(child);
  await end(store);
  for (const place of [data, storeData]) rmSync(place, { recursive: true });
}

async function restart() {
  const data = folder();
  prepare(data);
  const away = { TRIBUTARY_STORE_URL: `http://127.0.0.1:${await freePort()}` };
  const { child } = await start(data, away);
  let waiting = 0;
  for (let seed = 1; seed < 200 && waiting < inboxMegabytes * 1e6; seed++) {
    await generate("--seconds", 5, "--list", 100, "--connections", 16, "--seed", seed);
    waiting = await waitingBytes();
  }
  await end(child, "SIGKILL");
  const again = await start(data, away);
  const kept = await waitingBytes();
  row(`killed and started again with ${(kept / 1e6).toFixed(0)} MB in the inbox: ready`, `${again.ready_ms.toFixed(0)} ms`, "2000 ms");
  if (kept < waiting) throw new Error(`the inbox lost bytes: ${waiting} → ${kept}`);
  await end(again.child, "SIGKILL");
  rmSync(data, { recursive: true });
}

await { connections, flood, outage, restart }[part]();
