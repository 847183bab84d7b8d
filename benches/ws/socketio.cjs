// A chat server on socket.io, set up as in its documentation: Redis adapter, WebSocket only, a stream of the newest 1000
// messages per room. Unlike Chinwag it has no users, checks no permissions and ignores client ids.
//   node socketio.cjs PORT REDIS_PORT
"use strict";

const { createServer } = require("node:http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

const [port, redisPort] = process.argv.slice(2).map(Number);
const NEWEST_1000 = { TRIM: { strategy: "MAXLEN", strategyModifier: "=", threshold: 1000 } };

async function connect() {
  const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
  client.on("error", (error) => console.error(error));
  await client.connect();
  return client;
}

function attend(io, store, socket) {
  const { room } = socket.handshake.query;
  socket.join(room);
  socket.on("send", async (content) => {
    const message = {
      room_id: Number(room),
      user_id: 1,
      username: "loader0",
      content,
      is_image: false,
      created_at: new Date().toISOString(),
    };
    const id = await store.xAdd(`room:${room}`, "*", { message: JSON.stringify(message) }, NEWEST_1000);
    io.to(room).emit("new_message", { id, ...message });
  });
}

async function main() {
  const [store, publisher, subscriber] = await Promise.all([connect(), connect(), connect()]);
  const http = createServer();
  const adapter = createAdapter(publisher, subscriber);
  const io = new Server(http, { adapter, transports: ["websocket"], serveClient: false });
  io.on("connection", (socket) => attend(io, store, socket));
  http.listen(port, "127.0.0.1");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
