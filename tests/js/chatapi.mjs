// The `ChatAPI` class of document 003, used as its readers use it, against two nodes behind one Redis.
//
//   node tests/js/chatapi.mjs BASE_A BASE_B
//
// ChatAPI.js is the document's text, unmodified: it exports nothing, so it is evaluated here. Prints what
// passed and ends with `N passed, 0 failed`; exit status 1 when anything failed.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const [baseA, baseB] = process.argv.slice(2);
if (!baseA || !baseB) {
  console.error('usage: node tests/js/chatapi.mjs BASE_A BASE_B');
  process.exit(2);
}

const source = await readFile(new URL('ChatAPI.js', import.meta.url), 'utf8');
const ChatAPI = new Function(`${source}; return ChatAPI;`)();

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// As this run's rooms are new, everything in them is this run's.
const run = randomUUID().slice(0, 8);

async function post(url, body) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

// Registers and logs in on the first node; the token must do for both.
async function tokenFor(username) {
  const credentials = { username, password: 'your_strong_password' };
  const registered = await post(`${baseA}/api/v1/auth/register`, credentials);
  assert.deepEqual(registered, { status: 201, body: { message: 'User created successfully' } });
  const loggedIn = await post(`${baseA}/api/v1/auth/login`, credentials);
  assert.equal(loggedIn.status, 200);
  return loggedIn.body.token;
}

// Document 003, §6; its class makes no rooms.
async function makeRoom(token, name) {
  const body = new FormData();
  body.append('room_name', name);
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${baseA}/api/chat/rooms`, { method: 'POST', headers, body });
  const { room_id: room, message } = await response.json();
  assert.equal(message, '聊天室创建成功');
  return room;
}

function contents(messages) {
  return messages.map((message) => message.content);
}

const name = `张三${run}`;
const token = await tokenFor(name);
const a = new ChatAPI(baseA, token);
const b = new ChatAPI(baseB, token);
const other = new ChatAPI(baseB, await tokenFor(`李四${run}`));
const room = await makeRoom(token, `项目讨论 ${run}`);

// The smallest GIF: one transparent pixel.
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

const tests = {
  async 'a message has exactly the documented keys'() {
    const message = await a.sendMessage('你好，世界！', room);
    const { id, sender_id, timestamp, ...rest } = message;
    assert.match(id, UUID);
    assert.ok(Number.isSafeInteger(sender_id) && sender_id > 0);
    assert.match(timestamp, TIME);
    assert.deepEqual(rest, {
      sender_name: name,
      message_type: 'text',
      content: '你好，世界！',
      file_url: null,
      file_name: null,
      file_size: null,
      reply_to: null,
    });
  },

  async 'what is sent on one node is read on the other'() {
    const sent = await a.sendMessage('读得到吗？', room);
    const [newest] = await b.getMessages(room, 1);
    assert.deepEqual(newest, sent);
    assert.deepEqual(await a.getMessages(room, 1), [sent]);
  },

  async 'the default room is global'() {
    const sent = await a.sendMessage(`Hello, World! ${run}`);
    const messages = await b.getMessages();
    assert.ok(messages.length <= 50);
    assert.deepEqual(messages.find((message) => message.id === sent.id), sent);
  },

  async 'a reply names its message, over nodes'() {
    const question = await a.sendMessage('几点开会？', room);
    const answer = await other.sendMessage('三点', room, question.id);
    assert.equal(answer.reply_to, question.id);
    const [newest] = await a.getMessages(room, 1);
    assert.deepEqual(newest, answer);
    assert.deepEqual(await a.sendMessage('?', room, randomUUID()), { detail: '回复的消息不存在' });
  },

  async 'pages go back without gap or repeat'() {
    const pages = await makeRoom(token, `分页 ${run}`);
    const sent = [];
    for (let number = 0; number < 25; number += 1) {
      const node = number % 2 ? b : a;
      sent.unshift((await node.sendMessage(`第 ${number} 条`, pages)).id);
    }
    for (const limit of [1, 7, 50]) {
      const seen = [];
      let page = await b.getMessages(pages, limit);
      while (page.length > 0) {
        seen.push(...page);
        page = await a.getMessages(pages, limit, page.at(-1).id);
      }
      assert.equal(seen.pop().message_type, 'system', 'the room begins with its making');
      assert.deepEqual(seen.map((message) => message.id), sent, `pages of ${limit}`);
    }
  },

  async 'a picture is uploaded on one node, shown and served by both'() {
    const picture = new File([GIF], 'photo.gif', { type: 'image/gif' });
    const message = await b.uploadFile(picture, room);
    assert.equal(message.message_type, 'image');
    assert.equal(message.content, '发送了文件: photo.gif');
    assert.equal(message.file_name, 'photo.gif');
    assert.equal(message.file_size, GIF.length);
    assert.match(message.file_url, /^\/uploads\/chat\/[0-9a-f-]{36}\.gif$/);
    assert.deepEqual(await a.getMessages(room, 1), [message]);
    for (const base of [baseA, baseB]) {
      const file = await fetch(base + message.file_url);
      assert.equal(file.headers.get('content-type'), 'image/gif');
      assert.deepEqual(Buffer.from(await file.arrayBuffer()), GIF);
    }
  },

  async 'a document is uploaded'() {
    const text = '会议记录\n';
    const message = await a.uploadFile(new File([text], '会议 记录.txt', { type: 'text/plain' }), room);
    assert.equal(message.message_type, 'file');
    assert.equal(message.file_name, '会议 记录.txt', 'the name is shown as given');
    assert.equal(await (await fetch(baseB + message.file_url)).text(), text);
  },

  async 'a program is refused'() {
    const program = new File([Buffer.from('MZ\x90\x00')], 'setup.exe', { type: 'application/octet-stream' });
    assert.deepEqual(await b.uploadFile(program, room), { detail: '上传的文件类型不在允许列表中' });
  },

  async 'a heartbeat keeps its user online on both nodes'() {
    const { status, timestamp, ...rest } = await b.heartbeat();
    assert.equal(status, 'ok');
    assert.match(timestamp, TIME);
    assert.ok(Math.abs(new Date(timestamp) - Date.now()) < 60_000, 'a browser reads the time as the instant it is');
    assert.deepEqual(rest, {});
    for (const node of [a, b]) {
      const users = await node.getOnlineUsers();
      const { user_id, ip, user_agent, login_time, last_activity, ...own } = users.find((user) => user.username === name);
      assert.ok(Number.isSafeInteger(user_id));
      assert.deepEqual([ip, user_agent], ['127.0.0.1', 'node']);
      assert.match(login_time, TIME);
      assert.match(last_activity, TIME);
      assert.deepEqual(own, { username: name });
    }
  },

  async 'the other node shows all of it in one order'() {
    const [ofA, ofB] = [await a.getMessages(room, 100), await b.getMessages(room, 100)];
    assert.deepEqual(ofA, ofB);
    assert.deepEqual(contents(ofB), [
      '发送了文件: 会议 记录.txt',
      '发送了文件: photo.gif',
      '三点',
      `李四${run} 加入了聊天室`,
      '几点开会？',
      '读得到吗？',
      '你好，世界！',
      `${name} 创建了聊天室`,
    ]);
  },

  async 'a wrong token is told so in the document\'s words'() {
    const stranger = new ChatAPI(baseB, 'your_jwt_token');
    const refusal = { detail: '未提供有效的JWT Token' };
    assert.deepEqual(await stranger.sendMessage('Hello, World!'), refusal);
    assert.deepEqual(await stranger.getMessages(), refusal);
    assert.deepEqual(await stranger.uploadFile(new File([GIF], 'photo.gif')), refusal);
    assert.deepEqual(await stranger.getOnlineUsers(), refusal);
    assert.deepEqual(await stranger.heartbeat(), refusal);
  },
};

// One after the other: the last ones look at what the first ones did.
let passed = 0;
let failed = 0;
for (const [title, test] of Object.entries(tests)) {
  try {
    await test();
    passed += 1;
    console.log(`ok      ${title}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${title}\n${error.stack}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
