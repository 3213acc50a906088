// What the parts of the faults bench share: the program and the load generator, started, asked and ended. Both are
// processes of their own.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";

export const [parts, program, load] = process.argv.slice(2);
export const workspace = "ws_faults";
export const port = Number(process.env.FAULTS_PORT ?? 4693);

export const now = () => Number(process.hrtime.bigint()) / 1e6;
export const pause = (ms) => new Promise((next) => setTimeout(next, ms));
export const row = (name, value, target) => console.log(`${name} | ${value} | ${target}`);

/** Has the bench fail when something acknowledged was lost or counted twice, after every row was printed. */
export function keeps(what, lost, doubled) {
  if (lost <= 0 && doubled <= 0) return;
  console.error(`${what}: ${lost} lost, ${doubled} doubled`);
  process.exitCode = 1;
}

export function folder() {
  const place = join(program, "../../bench-faults");
  mkdirSync(place, { recursive: true });
  return mkdtempSync(join(place, "run-"));
}

export const environment = (data, more = {}) => ({
  ...process.env,
  TRIBUTARY_DATA_DIR: data,
  TRIBUTARY_HTTP_LISTEN: `127.0.0.1:${port}`,
  TRIBUTARY_LOG_FILTER: "off",
  TRIBUTARY_COLLECTOR_WORKSPACE_HITS_PER_SECOND: "0",
  ...more,
});

export function get(path, at = port) {
  return new Promise((done, failed) => {
    const call = request({ host: "127.0.0.1", port: at, path, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk)).on("end", () => done({ status: answer.statusCode, text }));
    });
    call.on("error", failed);
    call.end();
  });
}

export const metric = async (name) =>
  Number((await get("/metrics")).text.match(new RegExp(`^${name} (\\S+)$`, "m"))?.[1] ?? 0);
export const waitingBytes = () => metric("tributary_inbox_waiting_bytes");

/** Waits until no more than so many bytes wait in the inbox; answers the seconds it took. */
export async function drained(bytes, secondsMax) {
  const begun = now();
  while ((await waitingBytes()) > bytes) {
    if (now() - begun > secondsMax * 1000) throw new Error(`not drained to ${bytes} bytes within ${secondsMax} s`);
    await pause(50);
  }
  return (now() - begun) / 1000;
}

export function prepare(data) {
  const args = ["workspace", "create", workspace, "--domain", "shop.example"];
  const done = spawnSync(program, args, { env: environment(data), encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
}

/** Starts the server and waits until it serves. */
export async function start(data, more = {}) {
  const begun = now();
  const child = spawn(program, ["serve"], { env: environment(data, more), stdio: ["ignore", "ignore", "inherit"] });
  for (;;) {
    const alive = await get("/healthz").catch(() => ({ status: 0 }));
    if (alive.status === 200) return { child, ready_ms: now() - begun };
    if (child.exitCode !== null) throw new Error("the server ended before it served");
    await pause(5);
  }
}

export async function end(child, signal = "SIGTERM") {
  const gone = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await gone;
}

export const resident_mb = (child) =>
  Number(readFileSync(`/proc/${child.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;

/** The most memory of a process above what it has now, while something goes on. */
export async function growth_mb(child, during) {
  const before = resident_mb(child);
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, resident_mb(child))), 200);
  const done = await during;
  clearInterval(watch);
  return [done, Math.max(most, resident_mb(child)) - before, before];
}
export const signed = (megabytes) => `${megabytes >= 0 ? "+" : ""}${megabytes.toFixed(0)} MB`;

/** Runs the generator; answers what it printed, by name. */
export function generate(...args) {
  return new Promise((done) => {
    const all = ["--to", `127.0.0.1:${port}`, "--workspace", workspace, ...args.map(String)];
    const child = spawn(load, all, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    // Not at its exit: what it printed may still be on the way.
    child.once("close", () =>
      done(Object.fromEntries(text.trim().split("\n").map((line) => line.match(/^(\S+)\s+(.*)$/).slice(1)))));
  });
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port: free } = server.address();
  await new Promise((done) => server.close(done));
  return free;
}

/** ClickHouse as a process of its own: the embedded engine behind its HTTP port. */
export async function startStore(data, storePort) {
  const child = spawn(program, ["engine", "--listen", `127.0.0.1:${storePort}`], {
    env: { ...environment(data), TRIBUTARY_STORE_URL: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((done) => child.stdout.once("data", done));
  return child;
}
