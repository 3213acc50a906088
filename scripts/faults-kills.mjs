// SIGKILL at random moments under load, over and over on the same data; then everything that was acknowledged is looked
// for in ClickHouse. The suite's test of the same (server/tests/process/kill.rs) kills less often and looks at more.
// KILL_ROUNDS (100), KILL_CONNECTIONS (64), KILL_SEED.

import { spawn, spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";

import {
  drained, end, environment, folder, freePort, generate, get, keeps, pause, port, prepare, program, row, start, startStore,
  workspace,
} from "./faults.mjs";

const rounds = Number(process.env.KILL_ROUNDS ?? 100);
const connections = Number(process.env.KILL_CONNECTIONS ?? 64);
const template = readFileSync(new URL("../tests/fixtures/polar/order.paid.json", import.meta.url), "utf8");
const fixtureId = JSON.parse(template).data.id;
const secret = randomBytes(32);
let state = BigInt(process.env.KILL_SEED ?? 20_261_121);
function below(most) {
  state ^= (state << 13n) & 0xffffffffffffffffn;
  state ^= state >> 7n;
  state ^= (state << 17n) & 0xffffffffffffffffn;
  return Number(state % BigInt(most));
}

/** One signed order; answers the status, 0 when the server went away. */
function deliver(orderId) {
  const body = template.replaceAll(fixtureId, orderId);
  const [id, seconds] = [`evt_${orderId}`, Math.floor(Date.now() / 1000)];
  const mac = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json", "content-length": Buffer.byteLength(body),
    "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${mac}`,
  };
  return new Promise((done) => {
    const path = `/webhooks/polar/${workspace}`;
    const call = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent: false }, (answer) => {
      answer.on("error", () => done(0)).on("end", () => done(answer.statusCode)).resume();
    });
    call.on("error", () => done(0));
    call.end(body);
  });
}

/** A shop that sells forty times a second beside the flood of hits. */
const BETWEEN_ORDERS_MS = 25;

/** Webhooks, one at a time, until the server is gone. */
async function tell(round) {
  const acknowledged = [];
  for (let number = 0; ; number++) {
    const hex = (value, digits) => value.toString(16).padStart(digits, "0");
    const orderId = `dde9e701-${hex(round, 4)}-4bfc-bee6-${hex(number, 12)}`;
    const status = await deliver(orderId);
    if (status === 0) return acknowledged;
    if (status !== 202) throw new Error(`a webhook was answered ${status}`);
    acknowledged.push(orderId);
    await pause(BETWEEN_ORDERS_MS);
  }
}

/** What ClickHouse has: one value a line. */
async function stored(data, ...queries) {
  const storePort = await freePort();
  const store = await startStore(data, storePort);
  const answers = [];
  for (const query of queries) {
    const { status, text } = await get(`/?query=${encodeURIComponent(query)}`, storePort);
    if (status !== 200) throw new Error(text);
    answers.push(text.split("\n").slice(0, -1));
  }
  await end(store);
  return answers;
}

export async function kills() {
  const data = folder();
  prepare(data);
  const adding = ["connection", "add", "polar", "--workspace", workspace, "--webhook-secret", "-"];
  const input = `whsec_${secret.toString("base64")}\n`;
  const added = spawnSync(program, adding, { env: environment(data), encoding: "utf8", input });
  if (added.status !== 0) throw new Error(added.stderr);
  const ids = join(data, "acknowledged");
  const [hits, orders, rates, starts] = [new Set(), [], [], []];
  const refused = [];
  for (let round = 0; round < rounds; round++) {
    if (below(5) === 0) {
      // Killed while it starts: in migrations, in opening the inbox, in sending an unfinished unit.
      const child = spawn(program, ["serve"], { env: environment(data), stdio: "ignore" });
      await pause(below(600));
      await end(child, "SIGKILL");
      continue;
    }
    const { child, ready_ms } = await start(data);
    const options = ["--once", "--acknowledged", ids, "--connections", connections, "--seconds", 20, "--seed", round + 1];
    const [sending, telling] = [generate(...options), tell(round)];
    // Long enough to come to its full rate.
    await pause(1000 + below(700));
    await end(child, "SIGKILL");
    const sent = await sending;
    for (const line of readFileSync(ids, "latin1").split("\n")) if (line !== "") hits.add(line);
    orders.push(...(await telling));
    rates.push(Number(sent["at-the-end"]));
    starts.push(ready_ms);
    if (!/^\{(0: \d+)?\}$/.test(sent.refused)) refused.push(sent.refused);
  }
  const told = new Set(orders);
  let found;
  // The last life delivers what waits; jobs may need some time more.
  for (let turn = 0; turn < 10; turn++) {
    const { child } = await start(data);
    await drained(0, 100);
    await pause(3000);
    await end(child);
    found = await stored(
      data,
      "SELECT replaceAll(toString(hit_id), '-', '') FROM tributary.hits FORMAT TSV",
      "SELECT provider_order_id FROM tributary.orders FINAL FORMAT TSV",
    );
    if (found[1].length >= told.size) break;
  }
  const [storedHits, storedOrders] = found.map((lines) => new Set(lines));
  const lost = (all, there) => [...all].filter((one) => !there.has(one)).length;
  const doubled = (lines, there) => lines.length - there.size;
  const median = rates.toSorted((a, b) => a - b)[rates.length >> 1];
  row(`SIGKILL at ${rounds} random moments: requests in the second before, median`, median, ">= 20000");
  const ofHits = `${hits.size} acknowledged, ${lost(hits, storedHits)} lost, ${doubled(found[0], storedHits)} doubled`;
  row("the same: hits", ofHits, "0 lost, 0 doubled");
  const ofOrders = `${told.size} acknowledged, ${lost(told, storedOrders)} lost, ${doubled(found[1], storedOrders)} doubled`;
  row("the same: webhooks of orders", ofOrders, "0 lost, 0 doubled");
  row("the same: runs in which a request was refused", refused.length === 0 ? 0 : refused.join("; "), "0");
  row("the same: slowest restart to serving", `${Math.max(...starts).toFixed(0)} ms`, "2000 ms");
  rmSync(data, { recursive: true });
  keeps("hits", lost(hits, storedHits), doubled(found[0], storedHits));
  keeps("webhooks of orders", lost(told, storedOrders), doubled(found[1], storedOrders));
}
