// Two people begin a conversation, and find it again later, wherever its server has moved to.
//
//   node tests/js/newcomer.mjs talk BASE FILE     registers them, lets them talk, and notes in FILE what there was
//   node tests/js/newcomer.mjs recall BASE FILE   logs them in and compares
//
// Exit status 1 when anything is amiss.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

const [command, base, file] = process.argv.slice(2);
const PASSWORD = 'your_strong_password';

async function call(path, { token, json, form, method = 'POST' }) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (json) headers['Content-Type'] = 'application/json';
  const answer = await fetch(`${base}${path}`, { method, headers, body: form ?? (json && JSON.stringify(json)) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

async function logIn(username) {
  return (await call('/api/v1/auth/login', { json: { username, password: PASSWORD } })).token;
}

function form(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return body;
}

async function talk() {
  const run = randomUUID().slice(0, 8);
  const names = [`alice${run}`, `bob${run}`];
  for (const username of names) await call('/api/v1/auth/register', { json: { username, password: PASSWORD } });
  const [alice, bob] = await Promise.all(names.map(logIn));
  const { room_id: room } = await call('/api/chat/rooms', { token: alice, form: form({ room_name: `first ${run}` }) });
  const say = (token, content) =>
    call(`/api/chat/send?room_id=${room}`, { token, json: { message_type: 'text', content, reply_to: null } });
  await say(alice, 'hello');
  await say(bob, '你好');
  const picture = new Blob([await readFile(new URL('../pictures/still.png', import.meta.url))]);
  const upload = new FormData();
  upload.append('room_id', room);
  upload.append('file', picture, 'still.png');
  await call('/api/chat/upload', { token: bob, form: upload });
  await writeFile(file, JSON.stringify({ names, room, seen: await seen(names[0], room) }));
}

// What a user sees of a room, files included.
async function seen(name, room) {
  const token = await logIn(name);
  const messages = await call(`/api/chat/messages?room_id=${room}&limit=50`, { token, method: 'GET' });
  const files = messages.filter(({ file_url }) => file_url);
  const bytes = files.map(async ({ file_url }) => {
    const answer = await fetch(new URL(new URL(file_url, base).pathname, base));
    return answer.ok ? (await answer.arrayBuffer()).byteLength : answer.status;
  });
  return { messages: messages, bytes: await Promise.all(bytes) };
}

async function recall() {
  const { names, room, seen: before } = JSON.parse(await readFile(file, 'utf8'));
  assert.ok(before.messages.length >= 3 && before.bytes.length === 1);
  for (const name of names) assert.deepEqual(await seen(name, room), before);
}

await { talk, recall }[command]();
