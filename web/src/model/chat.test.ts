// The state of the chat as a whole, against a server that is played.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation, Message } from "../net/types";
import { conversation, FakeSocket, message } from "../testing/fixtures";

const ROOM = 7;
let list: Conversation[];
let history: Message[];
/** What the server stored. */
let stored: Map<string, Message>;
let refusal: string | null;
/** Paths that were asked for. */
let fetched: string[];

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", async (path: string) => {
    fetched.push(path);
    const body = answer(path);
    return new Response(JSON.stringify(body), { status: body === undefined ? 404 : 200 });
  });
  FakeSocket.all = [];
  localStorage.clear();
  localStorage.setItem("token", "t");
  history = [message(1), message(2)];
  list = [conversation(ROOM, { last_message: message(2), unread: 2 })];
  stored = new Map();
  refusal = null;
  fetched = [];
});

function answer(path: string): unknown {
  if (path === "/api/v1/me") return { id: 1, username: "Alice", is_admin: false };
  if (path === "/api/v1/conversations") return list;
  if (path.startsWith("/api/chat/online-users")) return [];
  if (path === "/api/chat/message/status") return { status: "delivered" };
  return undefined;
}

function serve(socket: FakeSocket): void {
  socket.answer = ({ type, payload }) => {
    if (type === "fetch_history") socket.push("message_history", { room_id: ROOM, messages: history });
    if (type !== "send_message") return;
    if (refusal) return socket.push("error", { message: refusal });
    const client_id = String(payload.client_id);
    const known = stored.get(client_id);
    const content = String(payload.content);
    const made = known ?? message(10 + stored.size, { user_id: 1, username: "Alice", client_id, content });
    stored.set(client_id, made);
    socket.push("new_message", made);
  };
}

async function connect(): Promise<FakeSocket> {
  const socket = FakeSocket.latest();
  serve(socket);
  socket.open();
  await vi.advanceTimersByTimeAsync(50);
  return socket;
}

async function begin() {
  await import("./chat");
  const model = {
    ...(await import("./rooms")),
    ...(await import("./history")),
    ...(await import("./outbox")),
    ...(await import("./sending")),
    ...(await import("./receipts")),
    ...(await import("./connection")),
    ...(await import("./presence")),
    session: await import("./session"),
  };
  await vi.advanceTimersByTimeAsync(1);
  const socket = await connect();
  return { model, socket };
}

describe("sending", () => {
  it("shows a message at once and takes the stored one for it", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.isSilent = true;
    model.sendText(ROOM, "hello", 2);
    expect(model.pendingMessages.value).toMatchObject([{ text: "hello", state: "sending", replyTo: 2 }]);
    const [frame] = socket.frames("send_message");
    expect(frame).toMatchObject({ room_id: ROOM, content: "hello", is_image: false, reply_to: 2 });
    socket.push("new_message", message(3, { user_id: 1, client_id: String(frame?.client_id) }));
    expect(model.pendingMessages.value).toEqual([]);
    expect(model.roomOf(ROOM).messages.value.map((message) => message.id)).toEqual([1, 2, 3]);
  });

  it("sends again under the same id after a loss, so that it is stored once", async () => {
    const { model, socket } = await begin();
    // It is stored, but the connection breaks before anybody hears of it.
    socket.answer = ({ type, payload }) => {
      if (type !== "send_message") return;
      const client_id = String(payload.client_id);
      stored.set(client_id, message(10, { user_id: 1, client_id, content: "once" }));
      socket.isSilent = true;
    };
    model.sendText(ROOM, "once", null);
    socket.close();
    await vi.advanceTimersByTimeAsync(600);
    const next = await connect();
    expect(next.frames("send_message")).toHaveLength(1);
    expect(stored.size).toBe(1);
    expect(model.pendingMessages.value).toEqual([]);
  });

  it("keeps what was written offline, in order, through a reload", async () => {
    const first = await begin();
    first.socket.close();
    first.model.sendText(ROOM, "one", null);
    await vi.advanceTimersByTimeAsync(1);
    first.model.sendText(ROOM, "two", null);
    first.model.connection.stop();
    vi.resetModules();
    const { model } = await begin();
    expect([...stored.values()].map((message) => message.content)).toEqual(["one", "two"]);
    expect(model.pendingMessages.value).toEqual([]);
  });

  it("lets a refused message be tried again or discarded", async () => {
    const { model } = await begin();
    refusal = "Room not found or you are not a member.";
    model.sendText(ROOM, "lost", null);
    await vi.advanceTimersByTimeAsync(1);
    expect(model.pendingMessages.value).toMatchObject([{ state: "failed", error: refusal }]);
    const id = model.pendingMessages.value[0]?.clientId ?? "";
    refusal = null;
    model.retrySending(id);
    await vi.advanceTimersByTimeAsync(1);
    expect(stored.has(id)).toBe(true);
    expect(model.pendingMessages.value).toEqual([]);
    expect(Object.keys(localStorage).filter((key) => key.includes(".out."))).toEqual([]);
  });

  it("waits when the server asks to slow down", async () => {
    const { model, socket } = await begin();
    refusal = "Too many requests";
    model.sendText(ROOM, "patient", null);
    await vi.advanceTimersByTimeAsync(100);
    expect(model.pendingMessages.value).toMatchObject([{ state: "sending" }]);
    expect(socket.frames("send_message")).toHaveLength(1);
    refusal = null;
    await vi.advanceTimersByTimeAsync(2000);
    expect(stored.size).toBe(1);
  });

  it("tells of typing at most every three seconds", async () => {
    const { model, socket } = await begin();
    for (let key = 0; key < 5; key += 1) model.sendTyping(ROOM);
    expect(socket.frames("typing")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3100);
    model.sendTyping(ROOM);
    expect(socket.frames("typing")).toHaveLength(2);
  });
});

describe("reading", () => {
  it("freezes the line above what is new when a room is opened", async () => {
    list = [conversation(ROOM, { last_message: message(2), unread: 1, read_id: 1 })];
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    const room = model.roomOf(ROOM);
    expect(room.divider.value).toBe(1);
    expect(model.unreadTotal.value).toBe(0);
    socket.push("new_message", message(3));
    expect(room.divider.value).toBe(1);
    model.openRoom(null);
    expect(room.divider.value).toBeNull();
  });

  it("counts what comes elsewhere and tells what is read here", async () => {
    const { model, socket } = await begin();
    socket.push("new_message", message(3));
    expect(model.unreadTotal.value).toBe(3);
    expect(model.sortedConversations.value[0]?.last_message?.id).toBe(3);
    history.push(message(3));
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("new_message", message(4));
    await vi.advanceTimersByTimeAsync(200);
    expect(model.unreadTotal.value).toBe(0);
    expect(socket.frames("mark_read").at(-1)).toEqual({ room_id: ROOM, id: 4 });
  });

  it("reads nothing while its end is out of view", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    model.isAtEnd.value = false;
    socket.push("new_message", message(3));
    expect(model.unreadTotal.value).toBe(1);
    model.isAtEnd.value = true;
    expect(model.unreadTotal.value).toBe(0);
  });

  it("does not count one's own messages, nor the server's", async () => {
    const { model, socket } = await begin();
    socket.push("new_message", message(3, { user_id: 1 }));
    socket.push("new_message", message(4, { user_id: 0, message_type: "system" }));
    expect(model.unreadTotal.value).toBe(2);
    expect(model.sortedConversations.value[0]?.last_message?.id).toBe(4);
  });

  it("clears a badge when the same user reads elsewhere", async () => {
    const { model, socket } = await begin();
    socket.push("message_read", { room_id: ROOM, user_id: 1, first_id: 1, id: 2, read_at: "" });
    expect(model.unreadTotal.value).toBe(0);
  });

  it("says for screen readers only what others wrote while it was open", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("new_message", message(3, { user_id: 1 }));
    socket.push("new_message", message(4));
    expect(model.roomOf(ROOM).announced.value.map((message) => message.id)).toEqual([4]);
  });
});

describe("the first page", () => {
  it("does not hide what arrives while it is on its way", async () => {
    const { model, socket } = await begin();
    socket.isSilent = true;
    model.openRoom(ROOM);
    socket.push("new_message", message(3));
    socket.push("message_history", { room_id: ROOM, messages: history });
    socket.push("pong", {});
    await vi.advanceTimersByTimeAsync(200);
    expect(model.roomOf(ROOM).messages.value.map((message) => message.id)).toEqual([1, 2, 3]);
    expect(socket.frames("mark_read").at(-1)).toMatchObject({ room_id: ROOM, id: 3 });
  });

  it("is read when one is taken into the open room again", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("member_removed", { room_id: ROOM, user_id: 1, message: message(3, { user_id: 0 }) });
    expect(model.conversations.value.has(ROOM)).toBe(false);
    socket.push("member_added", { room_id: ROOM, user_id: 1, message: message(4, { user_id: 0 }) });
    await vi.advanceTimersByTimeAsync(500);
    expect(model.roomOf(ROOM).state.value).toBe("ready");
  });
});

describe("who is online", () => {
  it("is asked once more, since who just left was still listed", async () => {
    const { model } = await begin();
    const asked = () => fetched.filter((path) => path.startsWith("/api/chat/online-users")).length;
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(90_000);
    expect(asked()).toBe(2);
    expect(model.online.value.size).toBe(0);
  });

  it("is who wrote just now, for a while; not who wrote long ago", async () => {
    const { model, socket } = await begin();
    const now = new Date().toISOString();
    socket.push("new_message", message(3, { user_id: 2, created_at: now }));
    socket.push("new_message", message(4, { user_id: 5, created_at: "2020-01-01T00:00:00Z" }));
    expect([...model.online.value]).toEqual([2]);
    socket.push("presence", { users: [{ user_id: 6, online: true }] });
    await vi.advanceTimersByTimeAsync(89_000);
    expect(model.online.value.has(2)).toBe(true);
    await vi.advanceTimersByTimeAsync(2000);
    expect(model.online.value.has(2)).toBe(false);
  });
});

describe("events", () => {
  it("take deleted messages out for good", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("message_deleted", { room_id: ROOM, id: 1, user_id: 2 });
    const room = model.roomOf(ROOM);
    expect(room.messages.value.map((message) => message.id)).toEqual([2]);
    // A page that was on its way when it was deleted.
    await model.loadNewest(room);
    expect(room.messages.value.map((message) => message.id)).toEqual([2]);
  });

  it("show typing until it ends or the message comes", async () => {
    const { model, socket } = await begin();
    const room = model.roomOf(ROOM);
    const typist = { room_id: ROOM, user_id: 2, username: "Bob" };
    socket.push("typing", typist);
    socket.push("typing", { ...typist, user_id: 1, username: "Alice" });
    expect(room.typing.value.map((message) => message.name)).toEqual(["Bob"]);
    expect(model.online.value.has(2)).toBe(true);
    socket.push("new_message", message(3));
    expect(room.typing.value).toEqual([]);
    socket.push("typing", typist);
    await vi.advanceTimersByTimeAsync(5100);
    expect(room.typing.value).toEqual([]);
  });

  it("mark one's messages as delivered and read", async () => {
    list = [conversation(ROOM, { is_private: true, kind: "direct", user_id: 2, last_message: message(2) })];
    history = [message(1), message(2, { user_id: 1 })];
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(50);
    const room = model.roomOf(ROOM);
    expect(model.deliveryState(room, message(2))).toBe("delivered");
    socket.push("message_read", { room_id: ROOM, user_id: 2, first_id: 2, id: 2, read_at: "" });
    expect(model.deliveryState(room, message(2))).toBe("read");
    expect(room.readers.value.get(2)).toBe(2);
  });

  it("remove a room that one was removed from", async () => {
    const { model, socket } = await begin();
    const line = message(3, { user_id: 0, message_type: "system" });
    socket.push("member_removed", { room_id: ROOM, user_id: 1, username: "Alice", message: line });
    expect(model.conversations.value.has(ROOM)).toBe(false);
  });
});

describe("coming back", () => {
  it("asks for what was missed by the newest known message, and only then says that all is well", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    expect(model.isCaughtUp.value).toBe(true);
    socket.close();
    expect(model.isCaughtUp.value).toBe(false);
    await vi.advanceTimersByTimeAsync(600);
    const next = FakeSocket.latest();
    serve(next);
    next.isSilent = true;
    next.open();
    await vi.advanceTimersByTimeAsync(50);
    expect(next.frames("resume")).toEqual([{ rooms: { [ROOM]: "2-1" } }]);
    expect(model.isCaughtUp.value).toBe(false);
    next.push("new_message", message(3));
    history.push(message(3));
    next.isSilent = false;
    next.push("pong", {});
    await vi.advanceTimersByTimeAsync(50);
    expect(model.isCaughtUp.value).toBe(true);
    expect(model.roomOf(ROOM).messages.value.map((message) => message.id)).toEqual([1, 2, 3]);
  });

  it("reads the history anew when too much was missed", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.close();
    history = Array.from({ length: 50 }, (_, at) => message(100 + at));
    await vi.advanceTimersByTimeAsync(600);
    const next = await connect();
    next.push("not_recovered", { room_id: ROOM });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.roomOf(ROOM).messages.value[0]?.id).toBe(100);
    expect(model.roomOf(ROOM).hasOlder.value).toBe(true);
  });

  it("ends with the session: nothing of one user is left for the next", async () => {
    const { model } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    model.session.logOut();
    expect(model.conversations.value.size).toBe(0);
    expect(model.activeRoomId.value).toBeNull();
    expect(model.connection.status.value).toBe("closed");
    expect(localStorage.getItem("token")).toBeNull();
  });
});
