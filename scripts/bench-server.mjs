// Measures a server as its users meet it: from outside, over HTTP. Called by bench-server.sh with the program
// and a folder of bench data.

import { spawn, spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, benchData] = process.argv.slice(2);
const port = 4692;
const base = `http://127.0.0.1:${port}`;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const environment = (data) => ({
  ...process.env,
  TRIBUTARY_DATA_DIR: data,
  TRIBUTARY_HTTP_LISTEN: `127.0.0.1:${port}`,
  TRIBUTARY_HTTP_PUBLIC_URL: base,
  TRIBUTARY_LOG_FILTER: "error",
});

const now = () => Number(process.hrtime.bigint()) / 1e6;
const pause = (ms) => new Promise((next) => setTimeout(next, ms));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
const row = (name, value, target) => console.log(`${name} | ${value} | ${target}`);
const spread = (all) => {
  const sorted = all.toSorted((a, b) => a - b);
  return `p50 ${at(sorted, 0.5).toFixed(1)} ms, p99 ${at(sorted, 0.99).toFixed(1)} ms`;
};

function send(method, path, headers = {}, body) {
  return new Promise((done, failed) => {
    const call = request(base + path, { method, headers, agent }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk)).on("end", () => done({ status: answer.statusCode, text }));
    });
    call.on("error", failed);
    call.end(body);
  });
}

async function start(data) {
  const begun = now();
  const child = spawn(program, ["serve"], { env: environment(data), stdio: ["ignore", "ignore", "inherit"] });
  for (;;) {
    const ready = await send("GET", "/readyz").catch(() => ({ status: 0 }));
    if (ready.status === 200) return { child, ready_ms: now() - begun };
    if (child.exitCode !== null) throw new Error("the server ended before it was ready");
    await pause(5);
  }
}

async function stop(child) {
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await gone;
}

const resident_mb = (child) =>
  Number(readFileSync(`/proc/${child.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;

function run(data, ...args) {
  const done = spawnSync(program, args, { env: environment(data), encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${args.join(" ")}: ${done.stderr}`);
  return done.stdout.trim();
}

async function startAndMemory() {
  if (!existsSync(benchData)) return;
  const starts = [];
  let idle_mb = 0;
  for (let turn = 0; turn < 5; turn++) {
    const { child, ready_ms } = await start(benchData);
    starts.push(ready_ms);
    if (turn === 4) {
      await pause(10_000);
      idle_mb = resident_mb(child);
    }
    await stop(child);
  }
  const median = at(starts.toSorted((a, b) => a - b), 0.5);
  row("start to ready, 2·10⁷ touches on disk", `${median.toFixed(0)} ms`, "≤ 1 s");
  row("idle memory with the engine, after 10 s", `${idle_mb.toFixed(0)} MB`, "≤ 400 MB");
}

const secret = randomBytes(32);
function signed(body) {
  const [id, seconds] = [crypto.randomUUID(), Math.floor(Date.now() / 1000)];
  const mac = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${mac}` };
}

async function answers() {
  const data = mkdtempSync(join(tmpdir(), "tributary-bench-"));
  try {
    run(data, "demo", "prepare", "--webhook-secret", `whsec_${secret.toString("base64")}`);
    const key = readFileSync(join(data, "demo.key"), "utf8").trim();
    const { child } = await start(data);
    const order = JSON.parse(readFileSync("tests/fixtures/polar/order.paid.json", "utf8"));
    const times = [];
    for (let turn = 0; turn < 1000; turn++) {
      order.data.id = crypto.randomUUID();
      const body = JSON.stringify(order);
      const begun = now();
      const { status, text } = await send("POST", "/webhooks/polar/ws_demo", signed(body), body);
      times.push(now() - begun);
      if (status >= 300) throw new Error(`a webhook was refused: ${status} ${text}`);
    }
    row("webhook answer, durable, one after another", spread(times), "p99 ≤ 10 ms");
    await visible(key);
    await stop(child);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

// One hit at a time, each of a new visitor; the report is asked until it counts one visit more.
async function visible(key) {
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  const ulid = () => "01m" + [...randomBytes(23)].map((byte) => alphabet[byte & 31]).join("");
  const visits = async () => {
    const { text } = await send("GET", "/v1/reports/channels", { authorization: `Bearer ${key}` });
    return JSON.parse(text).rows.reduce((sum, one) => sum + (one.channel === "Email" ? one.visits : 0), 0);
  };
  const times = [];
  let seen = await visits();
  for (let turn = 0; turn < 100; turn++) {
    const hit = {
      ws: "ws_demo", kind: "page", id: ulid(), visitor: `vis_${ulid()}`, session: ulid(), touch: "session",
      url: "http://localhost:4601/?utm_source=newsletter&utm_medium=email", at: Date.now(),
    };
    const begun = now();
    const agentName = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    const { status, text } = await send("POST", "/c", { "user-agent": agentName, "accept-language": "en" }, JSON.stringify(hit));
    if (status !== 202) throw new Error(`a hit was refused: ${text}`);
    while ((await visits()) <= seen) await pause(5);
    seen += 1;
    times.push(now() - begun);
  }
  row("hit to visible in a report", spread(times), "p99 ≤ 2 s");
}

await startAndMemory();
await answers();
agent.destroy();
