// Bad days, measured from outside. Called by bench-faults-*.sh with the names of some, the program and the load
// generator. Every figure is of one run on this machine.
// FAULTS_SECONDS (40): how long each attack lasts.

import { rmSync } from "node:fs";

import {
  drained, end, folder, freePort, generate, get, growth_mb, keeps, parts, pause, prepare, resident_mb, row, signed, start,
  startStore, waitingBytes,
} from "./faults.mjs";
import { kills } from "./faults-kills.mjs";

const attackSeconds = Number(process.env.FAULTS_SECONDS ?? 40);
const rate = Number(process.env.FAULTS_RATE ?? 5000);
const outageSeconds = Number(process.env.FAULTS_OUTAGE ?? 60);
const inboxMegabytes = Number(process.env.FAULTS_INBOX_MB ?? 1024);

/** Half-sent heads beside a client that behaves. */
async function heads() {
  const data = folder();
  prepare(data);
  const { child } = await start(data);
  const healthy = (seconds, seed) => generate("--seconds", seconds, "--connections", 8, "--rate", 500, "--seed", seed);
  await generate("--seconds", 2, "--connections", 8, "--seed", 1);
  const alone = await healthy(10, 2);
  const slow = generate("--hold", "heads", "--connections", 4000, "--seconds", attackSeconds);
  await pause(2000);
  const beside = await healthy(attackSeconds - 5, 3);
  const held = await slow;
  const what = `4,000 half-sent heads, kept up for ${attackSeconds} s`;
  row(`${what}: a healthy client's p99`, `${beside.p99} (alone ${alone.p99})`, "< 20 ms");
  row("the same: refused or broken requests of the healthy client", beside.refused, "{}");
  row("the same: longest a half-sent head lived", held.longest, "10 s");
  await end(child);
  rmSync(data, { recursive: true });
}

async function bodies() {
  const data = folder();
  prepare(data);
  const { child } = await start(data);
  const held = await generate("--hold", "bodies", "--connections", 500, "--seconds", 36);
  row("500 half-sent bodies: longest one lived", held.longest, "30 s");
  await end(child);
  rmSync(data, { recursive: true });
}

/** Very many connections that all have something to say. */
async function crowd() {
  const data = folder();
  prepare(data);
  const { child } = await start(data);
  // As fast over few connections: what the engine and the caches need at such a rate is no connection's.
  await generate("--seconds", 10, "--connections", 64, "--seed", 4);
  const [many, grown, before] = await growth_mb(child, generate("--connections", 10000, "--seconds", 20, "--seed", 5));
  row("10,000 connections: refused or broken", many.refused, "{}");
  row("10,000 connections: requests/s, p99", `${many["requests/s"]}/s, ${many.p99}`, ">= 40000/s");
  const engine = `above ${before.toFixed(0)} MB, embedded engine included`;
  row("10,000 connections: memory at the most", `${signed(grown)} ${engine}`, "< +300 MB");
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
    const attack = generate("--seconds", attackSeconds, "--connections", 64, "--clients", who, ...options, "--seed", seed + 1);
    const beside = await healthy(attackSeconds - 5, seed + 2);
    const attacked = await attack;
    const grown = resident_mb(child) - before;
    row(`flood by ${what}: answers/s`, `${attacked.answered}/s ${attacked.refused}`, "-");
    row("the same: p99 of a client at 200/s beside it", `${beside.p99} (p50 ${beside.p50}; alone ${alone.p99}, p50 ${alone.p50})`, "< 50 ms");
    row("the same: refused or broken requests of that client", beside.refused, "{}");
    const requests = Math.round((attacked.answered * attackSeconds) / 1000);
    row(`the same: memory after ${requests},000 of them`, signed(grown), "< 100 MB");
  }
  await end(child);
  rmSync(data, { recursive: true });
}

async function outage() {
  const [data, storeData, storePort] = [folder(), folder(), await freePort()];
  let store = await startStore(storeData, storePort);
  prepare(data);
  const { child } = await start(data, { TRIBUTARY_STORE_URL: `http://127.0.0.1:${storePort}` });
  const paced = (seconds, seed) =>
    generate("--seconds", seconds, "--connections", 64, "--rate", rate, "--seed", seed);
  const first = await paced(5, 1);
  const normal = await paced(Math.min(20, outageSeconds), 2);
  await end(store, "SIGKILL");
  const before = resident_mb(child);
  const away = await paced(outageSeconds, 3);
  const grown = resident_mb(child) - before;
  const waiting = await waitingBytes();
  store = await startStore(storeData, storePort);
  // Hits go on arriving while it drains.
  const arriving = paced(Math.min(20, outageSeconds), 4);
  const seconds = await drained(waiting / 20, 60);
  const later = await arriving;
  const arrival = Number(later["requests/s"]);
  const speed = (away.accepted * 0.95) / seconds + arrival;
  await drained(0, 30);
  const query = encodeURIComponent("SELECT count(), uniqExact(hit_id) FROM tributary.hits FORMAT TSV");
  const [stored, distinct] = (await get(`/?query=${query}`, storePort)).text.trim().split("\t").map(Number);
  const accepted = [first, normal, away, later].reduce((sum, run) => sum + Number(run.accepted), 0);
  const scaled = `; ten minutes at this rate would be ${((waiting / outageSeconds) * 600 / 1e6).toFixed(0)} MB on disk`;
  row(`store away ${outageSeconds} s at ${away["requests/s"]}/s: ingest p99`, `${away.p99} (normal ${normal.p99})`, "within 2 ×");
  row("the same: refused or broken requests", away.refused, "{}");
  row("the same: memory", signed(grown), "± 50 MB");
  row("the same: waiting at its end", `${(waiting / 1e6).toFixed(0)} MB${scaled}`, "-");
  row("the same: drained after the store came back", `${seconds.toFixed(1)} s, ${(speed / arrival).toFixed(1)} × arrival`, ">= 5 ×");
  row("the same: of all acknowledged hits", `${accepted - distinct} of ${accepted} lost, ${stored - distinct} doubled`, "0 lost, 0 doubled");
  await end(child);
  await end(store);
  for (const place of [data, storeData]) rmSync(place, { recursive: true });
  keeps("hits", accepted - distinct, stored - distinct);
}

async function restart() {
  const data = folder();
  prepare(data);
  const away = { TRIBUTARY_STORE_URL: `http://127.0.0.1:${await freePort()}` };
  const { child } = await start(data, away);
  let waiting = 0;
  const begun = performance.now();
  for (let seed = 1; performance.now() - begun < 150_000 && waiting < inboxMegabytes * 1e6; seed++) {
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

for (const part of parts.split(",")) await { heads, bodies, crowd, kills, flood, outage, restart }[part]();
