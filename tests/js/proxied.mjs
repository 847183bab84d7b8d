// Two people chat through a proxy that ends TLS: HTTP, an uploaded image, and WebSockets, over HTTP/2 as well where the proxy
// offers that.
//
//   NODE_EXTRA_CA_CERTS=ca.pem node --experimental-websocket tests/js/proxied.mjs https://HOST:PORT
//
// Exit status 1 when anything is amiss.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http2 from 'node:http2';

const base = process.argv[2];
const run = randomUUID().slice(0, 8);
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function call(path, { token, json, form }) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (json) headers['Content-Type'] = 'application/json';
  const answer = await fetch(`${base}${path}`, { method: 'POST', headers, body: form ?? JSON.stringify(json) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

async function tokenFor(username) {
  const json = { username, password: 'your_strong_password' };
  await call('/api/v1/auth/register', { json });
  return (await call('/api/v1/auth/login', { json })).token;
}

function opened(token) {
  const socket = new WebSocket(`${base.replace('https', 'wss')}/ws?token=${token}`);
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error('the WebSocket does not open'));
  });
}

// The next message that a socket receives.
function next(socket) {
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const { type, payload } = JSON.parse(data);
      if (type === 'new_message') resolve(payload);
    };
  });
}

// Opens a WebSocket inside a connection of HTTP/2 (RFC 8441). Resolves to its status, or to null where the proxy has none.
function statusOverHttp2(token) {
  const session = http2.connect(base);
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    session.on('remoteSettings', (settings) => {
      if (!settings.enableConnectProtocol) return resolve(null);
      const head = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': `/ws?token=${token}` };
      const stream = session.request({ ...head, ':authority': new URL(base).host, 'sec-websocket-version': '13' });
      stream.on('response', (headers) => resolve(headers[':status']));
      stream.on('error', reject);
    });
  }).finally(() => session.destroy());
}

const [alice, bob] = [await tokenFor(`alice${run}`), await tokenFor(`bob${run}`)];
const room = await call('/api/v1/rooms', { token: alice, json: { is_private: true, username: `bob${run}` } });

const form = new FormData();
form.append('image', new Blob([Buffer.from(PNG, 'base64')], { type: 'image/png' }), 'dot.png');
const { url } = await call('/api/v1/upload/image', { token: alice, form });
assert.ok(url.startsWith(`${base}/uploads/images/`), `the address of an upload is ${url}`);
const image = await fetch(url);
assert.deepEqual([image.status, image.headers.get('content-type')], [200, 'image/png']);

const sockets = [await opened(alice), await opened(bob)];
const received = sockets.map(next);
const sent = { room_id: room.id, content: url, is_image: true };
sockets[0].send(JSON.stringify({ type: 'send_message', payload: sent }));
for (const message of await Promise.all(received)) {
  assert.deepEqual([message.content, message.is_image, message.username], [url, true, `alice${run}`]);
}
sockets.forEach((socket) => socket.close());

const status = await statusOverHttp2(bob);
assert.ok(status === null || status === 200, `a WebSocket over HTTP/2 is answered ${status}`);
console.log(status === null ? 'WebSockets over HTTP/1.1' : 'WebSockets over HTTP/1.1 and HTTP/2');
process.exit(0);
