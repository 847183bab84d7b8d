// A steady mixed load on the API of document 003, to be run while something happens to the nodes.
//
//   node tests/js/load.mjs BASE_URL [WORKERS]
//
// Runs until SIGTERM or SIGINT, then reads everything back. Every request that fails counts, every
// acknowledged message must be in its room's history exactly once, and every acknowledged room must
// be listed exactly once. Exit status 1 when anything is amiss.

import http from 'node:http';
import https from 'node:https';
import { randomUUID } from 'node:crypto';

const [base, workerCount = '8'] = process.argv.slice(2);
if (!base) {
  console.error('usage: node tests/js/load.mjs BASE_URL [WORKERS]');
  process.exit(2);
}

// Connections are kept, as browsers do: a server that drops one carelessly is found out.
const transport = base.startsWith('https:') ? https : http;
const agent = new transport.Agent({ keepAlive: true, maxSockets: Number(workerCount) });
// A room keeps its newest 1000 messages; staying below, nothing that was sent may be missing.
const MESSAGES_PER_ROOM = 800;
const REQUEST_TIMEOUT_MS = 15_000;
const PAUSE_MS = 15;
const FAILURES_SHOWN = 10;

const run = randomUUID().slice(0, 8);
const latenciesMs = [];
const failures = [];
const messages = new Map(); // content → { room, id }, acknowledged
const rooms = new Map(); // name → room id, acknowledged
let requests = 0;
let stopping = false;
process.on('SIGTERM', () => (stopping = true));
process.on('SIGINT', () => (stopping = true));

// Resolves to status, body and cursor; rejects when no complete answer came.
function exchange(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = transport.request(`${base}${path}`, { method, agent, headers, timeout: REQUEST_TIMEOUT_MS });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status, headers } = response;
        resolve({ status, cursor: headers['x-next-cursor'], text: Buffer.concat(chunks).toString() });
      });
    });
    request.end(body);
  });
}

// One request, never repeated here. The parsed answer, or null after noting the failure. `onCursor`
// is given the cursor of the next page, when there is one.
async function call(method, path, { token, json, form, onCursor } = {}) {
  const headers = {};
  let body = '';
  if (token) headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(json);
  }
  if (form !== undefined) {
    const boundary = `load${randomUUID()}`;
    headers['Content-Type'] = `multipart/form-data; boundary=${boundary}`;
    for (const [name, value] of Object.entries(form)) {
      body += `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    }
    body += `--${boundary}--\r\n`;
  }
  // Always, also when empty: otherwise node would send a POST without a body in chunks.
  headers['Content-Length'] = Buffer.byteLength(body);
  requests += 1;
  const begin = performance.now();
  try {
    const { status, cursor, text } = await exchange(method, path, headers, body);
    latenciesMs.push(performance.now() - begin);
    if (status >= 200 && status < 300) {
      if (cursor) onCursor?.(cursor);
      return JSON.parse(text);
    }
    failures.push(`${method} ${path}: ${status} ${text.slice(0, 200)}`);
  } catch (error) {
    failures.push(`${method} ${path}: ${error.code ?? ''} ${error.message}`);
  }
  return null;
}

async function logIn(name) {
  const account = { username: name, password: 'your_strong_password' };
  await call('POST', '/api/v1/auth/register', { json: account });
  return (await call('POST', '/api/v1/auth/login', { json: account }))?.token;
}

async function createRoom(token, name) {
  const answer = await call('POST', '/api/chat/rooms', { token, form: { room_name: name } });
  if (answer) rooms.set(name, answer.room_id);
  return answer?.room_id;
}

async function send(token, room, content) {
  const json = { message_type: 'text', content, reply_to: null };
  const answer = await call('POST', `/api/chat/send?room_id=${room}`, { token, json });
  if (answer) messages.set(content, { room, id: answer.id });
}

// One user. Of twenty requests eleven are sends, five read, three are heartbeats, one makes a room.
async function work(number, token) {
  let room = await createRoom(token, `load ${run} ${number} first`);
  let inRoom = 0;
  for (let turn = 0; !stopping; turn += 1) {
    const kind = (turn * 7) % 20;
    if (kind < 11) {
      await send(token, room, `${run} ${number} ${turn}`);
      inRoom += 1;
    } else if (kind < 16) {
      await call('GET', `/api/chat/messages?room_id=${room}&limit=20`, { token });
    } else if (kind < 19) {
      await call('POST', '/api/chat/heartbeat', { token });
    } else {
      const created = await createRoom(token, `load ${run} ${number} ${turn}`);
      if (created && inRoom > MESSAGES_PER_ROOM) {
        room = created;
        inRoom = 0;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

// The whole history of a room, page by page.
async function history(token, room) {
  const all = [];
  for (;;) {
    const before = all.length > 0 ? `&before=${all.at(-1).id}` : '';
    const page = await call('GET', `/api/chat/messages?room_id=${room}&limit=100${before}`, { token });
    if (!page || page.length === 0) return all;
    all.push(...page);
  }
}

// All rooms; the server lists some thousands at once.
async function listRooms(token) {
  const all = [];
  let next = '';
  for (;;) {
    let cursor = null;
    const page = await call('GET', `/api/chat/rooms${next}`, { token, onCursor: (given) => (cursor = given) });
    all.push(...(page ?? []));
    if (!page || !cursor) return all;
    next = `?cursor=${encodeURIComponent(cursor)}`;
  }
}

function percentile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]?.toFixed(1);
}

// Compares what was acknowledged with what can be read; returns what does not agree.
async function verify(token) {
  const wrong = [];
  const stored = new Map(); // content → ids
  for (const room of new Set([...messages.values()].map((message) => message.room))) {
    for (const { id, content } of await history(token, room)) {
      stored.set(content, [...(stored.get(content) ?? []), id]);
    }
  }
  for (const [content, { id }] of messages) {
    const ids = stored.get(content) ?? [];
    if (ids.length !== 1 || ids[0] !== id) wrong.push(`message "${content}" ${id}, stored: [${ids}]`);
  }
  const listed = new Map(); // name → ids
  for (const { id, name } of await listRooms(token)) {
    listed.set(name, [...(listed.get(name) ?? []), id]);
  }
  for (const [name, id] of rooms) {
    const ids = listed.get(name) ?? [];
    if (ids.length !== 1 || ids[0] !== id) wrong.push(`room "${name}" ${id}, listed: [${ids}]`);
  }
  return wrong;
}

const tokens = await Promise.all([...Array(Number(workerCount)).keys()].map((number) => logIn(`load_${run}_${number}`)));
if (tokens.some((token) => !token)) {
  console.error(`log in failed:\n${failures.join('\n')}`);
  process.exit(1);
}
console.log('load: running');
const begin = performance.now();
await Promise.all(tokens.map((token, number) => work(number, token)));
const secs = (performance.now() - begin) / 1000;
latenciesMs.sort((a, b) => a - b);
console.log(
  `load: ${requests} requests in ${secs.toFixed(1)} s, p50 ${percentile(latenciesMs, 0.5)} ms, ` +
    `p99 ${percentile(latenciesMs, 0.99)} ms, longest ${latenciesMs.at(-1)?.toFixed(1)} ms`,
);
const wrong = await verify(tokens[0]);
for (const text of [...failures, ...wrong].slice(0, FAILURES_SHOWN)) console.log(`load: ${text}`);
console.log(
  `load: ${messages.size} messages and ${rooms.size} rooms acknowledged, ` +
    `${failures.length} failed requests, ${wrong.length} not stored exactly once`,
);
agent.destroy();
process.exitCode = failures.length + wrong.length > 0 ? 1 : 0;
