// Starts nothing: finds the stand-in that run.sh started, receives its webhooks, and asks it for things.

import { createServer } from "node:http";
import { once } from "node:events";

export const url = process.env.POLAR_URL;
export const token = "polar_oat_standin_demo";

/** A call to the stand-in's control surface. */
export async function control(path, body = {}) {
  const answer = await fetch(`${url}/standin/${path}`, { method: "POST", body: JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
  return json;
}

/** A webhook receiver on a free port; `received` holds raw bodies and headers in the order they came. */
export async function receiver() {
  const received = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    received.push({ headers: request.headers, body: Buffer.concat(parts) });
    response.writeHead(204).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/`, received, close: () => server.close() && server.closeAllConnections() };
}
