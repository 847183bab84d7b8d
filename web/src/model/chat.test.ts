// The whole state of the chat, against a fake server.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation, Message } from "../net/types";
import { FakeSocket } from "../testing/fake_socket";
import { account, conversation, message, systemMessage } from "../testing/fixtures";

const ROOM = 7;
let list: Conversation[];
/** Whether the server says that rooms are missing in the list. */
let isPartial: boolean;
let history: Message[];
/** What the fake server has stored, by client id. */
let stored: Map<string, Message>;
/** How the fake server refuses messages. */
let refusal: ReturnType<FakeSocket["answer"]>;
/** Paths of all requests. */
let fetched: string[];

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
  vi.restoreAllMocks();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", async (path: string) => {
    fetched.push(path);
    const body = answer(path);
    const headers = path === "/api/v1/conversations" && isPartial ? { "x-partial": "1" } : undefined;
    return new Response(JSON.stringify(body), { status: body === undefined ? 404 : 200, headers });
  });
  FakeSocket.all = [];
  localStorage.clear();
  localStorage.setItem("token", "t");
  history = [message(1), message(2)];
  list = [conversation(ROOM, { last_message: message(2), unread: 2 })];
  isPartial = false;
  stored = new Map();
  refusal = undefined;
  fetched = [];
});

function answer(path: string): unknown {
  if (path === "/api/v1/me") return account(1, "Alice");
  if (path === "/api/v1/conversations") return list;
  if (path.startsWith("/api/chat/online-users")) return [];
  if (path === "/api/chat/message/status") return { status: "delivered" };
  return undefined;
}

function serve(socket: FakeSocket): void {
  socket.answer = ({ type, payload }) => {
    if (type === "fetch_history") {
      socket.push("message_history", { room_id: ROOM, messages: history, ref: payload.ref });
    }
    if (type === "resume") {
      for (const id of Object.keys(payload.rooms as object)) socket.push("resumed", { room_id: Number(id) });
    }
    if (type !== "send_message" || refusal) return refusal;
    const client_id = String(payload.client_id);
    const known = stored.get(client_id);
    const content = String(payload.content);
    const made = known ?? message(10 + stored.size, { user_id: 1, username: "Alice", client_id, content });
    stored.set(client_id, made);
    socket.push("new_message", made);
    return undefined;
  };
}

async function connect(): Promise<FakeSocket> {
  const socket = FakeSocket.latest();
  serve(socket);
  socket.open();
  for (const id of Object.keys(socket.since)) socket.push("resumed", { room_id: Number(id) });
  await vi.advanceTimersByTimeAsync(50);
  return socket;
}

/** Serves a long history page by page. */
function servePages(socket: FakeSocket, all: Message[]): void {
  socket.answer = ({ type, payload }) => {
    if (type !== "fetch_history") return undefined;
    const { page, page_size: size, ref } = payload as { page: number; page_size: number; ref: string };
    const end = Math.max(0, all.length - (page - 1) * size);
    socket.push("message_history", { room_id: ROOM, messages: all.slice(Math.max(0, end - size), end), ref });
    return undefined;
  };
}

type Model = Awaited<ReturnType<typeof begin>>["model"];

async function begin() {
  await import("./chat");
  const model = {
    ...(await import("./rooms")),
    ...(await import("./history")),
    ...(await import("./outbox")),
    ...(await import("./sending")),
    ...(await import("./receipts")),
    ...(await import("./reading")),
    ...(await import("./mark_unread")),
    ...(await import("./far")),
    ...(await import("./connection")),
    ...(await import("./conversation_list")),
    ...(await import("./presence")),
    session: await import("./session"),
  };
  await vi.advanceTimersByTimeAsync(1);
  const socket = await connect();
  return { model, socket };
}

describe("sending", () => {
  it("shows a message at once and replaces it by the stored one", async () => {
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

  it("resends under the same id after a loss, so that the message is stored once", async () => {
    const { model, socket } = await begin();
    // The message is stored, but the connection breaks before its echo.
    socket.answer = ({ type, payload }) => {
      if (type !== "send_message") return undefined;
      const client_id = String(payload.client_id);
      stored.set(client_id, message(10, { user_id: 1, client_id, content: "once" }));
      socket.isSilent = true;
      return undefined;
    };
    model.sendText(ROOM, "once", null);
    socket.close();
    await vi.advanceTimersByTimeAsync(600);
    const next = await connect();
    expect(next.frames("send_message")).toHaveLength(1);
    expect(stored.size).toBe(1);
    expect(model.pendingMessages.value).toEqual([]);
  });

  it("keeps messages that were written offline, in order, through a reload", async () => {
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

  it("lets a refused message be retried", async () => {
    const { model } = await begin();
    refusal = { code: "room_not_found" };
    model.sendText(ROOM, "lost", null);
    await vi.advanceTimersByTimeAsync(1);
    expect(model.pendingMessages.value).toMatchObject([{ state: "failed", error: "room_not_found" }]);
    const id = model.pendingMessages.value[0]?.clientId ?? "";
    refusal = undefined;
    model.retrySending(id);
    await vi.advanceTimersByTimeAsync(1);
    expect(stored.has(id)).toBe(true);
    expect(model.pendingMessages.value).toEqual([]);
    expect(Object.keys(localStorage).filter((key) => key.includes(".out."))).toEqual([]);
  });

  it("lets a reply be sent without its quote when the quoted message is gone", async () => {
    const { model, socket } = await begin();
    refusal = { code: "invalid", field: "reply_to" };
    model.sendText(ROOM, "an answer", 2);
    await vi.advanceTimersByTimeAsync(1);
    expect(model.pendingMessages.value).toMatchObject([{ state: "failed", field: "reply_to" }]);
    refusal = undefined;
    model.sendWithoutQuote(model.pendingMessages.value[0]?.clientId ?? "");
    await vi.advanceTimersByTimeAsync(1);
    const [first, second] = socket.frames("send_message");
    expect(second).toMatchObject({ content: "an answer" });
    expect(second).not.toHaveProperty("reply_to");
    expect(second?.client_id).not.toBe(first?.client_id);
    expect(model.pendingMessages.value).toEqual([]);
  });

  it("retries by itself when the server asks to slow down", async () => {
    const { model, socket } = await begin();
    refusal = { code: "rate_limited", retry_after_ms: 4000 };
    model.sendText(ROOM, "patient", null);
    model.sendText(ROOM, "behind it", null);
    await vi.advanceTimersByTimeAsync(1);
    const retryAt = Date.now() + 3999;
    expect(model.pendingMessages.value[0]?.retryAt).toBe(retryAt);
    await vi.advanceTimersByTimeAsync(3899);
    expect(model.pendingMessages.value).toMatchObject([{ state: "sending", retryAt }, { state: "sending" }]);
    expect(socket.frames("send_message")).toHaveLength(1);
    refusal = undefined;
    await vi.advanceTimersByTimeAsync(200);
    expect([...stored.values()].map(({ content }) => content)).toEqual(["patient", "behind it"]);
  });

  it("knows when a message can be sent again in slow mode, and that slow mode has changed", async () => {
    const { model, socket } = await begin();
    refusal = { code: "slow_mode", retry_after_ms: 600_000 };
    model.sendText(ROOM, "early", null);
    await vi.advanceTimersByTimeAsync(0);
    const retryAt = Date.now() + 600_000;
    expect(model.pendingMessages.value).toMatchObject([{ state: "failed", error: "slow_mode", retryAt }]);
    socket.push("room_changed", { room_id: ROOM, user_id: 2, name: "Tea" });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.pendingMessages.value).toMatchObject([{ retryAt }]);
    socket.push("room_changed", { room_id: ROOM, user_id: 2, slow_mode_secs: 0 });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.pendingMessages.value).toMatchObject([{ state: "failed", retryAt: 0 }]);
  });

  it("retries by itself when the server is unavailable or does not answer", async () => {
    const { model, socket } = await begin();
    refusal = { code: "unavailable" };
    model.sendText(ROOM, "patient", null);
    await vi.advanceTimersByTimeAsync(100);
    expect(model.pendingMessages.value).toMatchObject([{ state: "sending" }]);
    // The next attempt gets no response, while the server still sends other frames.
    socket.answer = () => {
      socket.isSilent = true;
      return undefined;
    };
    await vi.advanceTimersByTimeAsync(3000);
    socket.push("presence", { users: [] });
    expect(socket.frames("send_message")).toHaveLength(2);
    refusal = undefined;
    serve(socket);
    socket.isSilent = false;
    await vi.advanceTimersByTimeAsync(12_000);
    expect([...stored.values()].map(({ content }) => content)).toEqual(["patient"]);
    expect(model.pendingMessages.value).toEqual([]);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("takes the done before or after the echo", async () => {
    const { model, socket } = await begin();
    socket.isSilent = true;
    model.sendText(ROOM, "done first", null);
    const [first] = socket.frames("send_message");
    socket.push("done", { ref: socket.refOf("send_message") });
    await vi.advanceTimersByTimeAsync(1);
    expect(model.pendingMessages.value).toMatchObject([{ state: "sent" }]);
    socket.push("new_message", message(3, { user_id: 1, client_id: String(first?.client_id) }));
    expect(model.pendingMessages.value).toEqual([]);
    model.sendText(ROOM, "echo first", null);
    const second = socket.frames("send_message").at(-1);
    socket.push("new_message", message(4, { user_id: 1, client_id: String(second?.client_id) }));
    await vi.advanceTimersByTimeAsync(50);
    expect(model.pendingMessages.value).toEqual([]);
    socket.push("done", { ref: socket.refOf("send_message") });
    await vi.advanceTimersByTimeAsync(9000);
    expect(model.pendingMessages.value).toEqual([]);
    expect(socket.frames("send_message")).toHaveLength(2);
  });

  it("sends an accepted message again whose echo never comes", async () => {
    const { model, socket } = await begin();
    socket.answer = () => undefined;
    model.sendText(ROOM, "no echo", null);
    await vi.advanceTimersByTimeAsync(100);
    expect(model.pendingMessages.value).toMatchObject([{ state: "sent" }]);
    serve(socket);
    await vi.advanceTimersByTimeAsync(8000);
    const ids = socket.frames("send_message").map(({ client_id }) => client_id);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
    expect(model.pendingMessages.value).toEqual([]);
  });

  it("sends the messages after one that failed", async () => {
    const { model, socket } = await begin();
    socket.isSilent = true;
    model.sendText(ROOM, "refused", null);
    model.sendText(ROOM, "accepted", null);
    const ref = socket.refOf("send_message");
    serve(socket);
    socket.isSilent = false;
    socket.push("error", { message: "no", code: "length", field: "content", ref });
    await vi.advanceTimersByTimeAsync(1);
    expect(model.pendingMessages.value).toMatchObject([
      { text: "refused", state: "failed", error: "length" },
    ]);
    expect([...stored.values()].map(({ content }) => content)).toEqual(["accepted"]);
  });

  it("announces typing at most every three seconds", async () => {
    const { model, socket } = await begin();
    for (let key = 0; key < 5; key += 1) model.sendTyping(ROOM);
    expect(socket.frames("typing")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3100);
    model.sendTyping(ROOM);
    expect(socket.frames("typing")).toHaveLength(2);
  });
});

describe("reading", () => {
  /** Opens the room and looks at a part of it. */
  async function read(model: Model, first: number, last: number) {
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    model.lookAt(model.roomOf(ROOM), first, last);
    await vi.advanceTimersByTimeAsync(300);
  }
  const others = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => message(from + at));
  const unread = (model: Model) => model.unreadTotal.value;

  it("freezes the line above new messages when a room is opened", async () => {
    list = [conversation(ROOM, { last_message: message(2), unread: 1, read_id: 1 })];
    const { model, socket } = await begin();
    await read(model, 1, 2);
    const room = model.roomOf(ROOM);
    expect(room.divider.value).toBe(1);
    expect(unread(model)).toBe(0);
    socket.push("new_message", message(3));
    expect(room.divider.value).toBe(1);
    model.openRoom(null);
    expect(room.divider.value).toBeNull();
  });

  it("puts the line below what came before the user joined", async () => {
    history = others(1, 9);
    list = [conversation(ROOM, { last_message: message(9), unread: 3, read_id: null })];
    const { model } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    expect(model.roomOf(ROOM).divider.value).toBe(6);
  });

  it("draws no line above the first message of an empty room", async () => {
    history = [];
    list = [conversation(ROOM, { last_message: null, unread: 0, read_id: null })];
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("new_message", message(1));
    expect([unread(model), model.roomOf(ROOM).divider.value]).toEqual([0, null]);
  });

  it("is asked for no history that counts as read", async () => {
    history = others(1, 50);
    list = [conversation(ROOM, { last_message: message(50), unread: 5, read_id: 45 })];
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    await model.loadOlder(model.roomOf(ROOM));
    expect(socket.frames("fetch_history").map(({ peek }) => peek)).toEqual([true, true]);
    expect(unread(model)).toBe(5);
    expect(socket.frames("mark_read")).toEqual([]);
  });

  it("marks what was in view, and no more", async () => {
    history = others(1, 40);
    list = [conversation(ROOM, { last_message: message(40), unread: 30, read_id: 10 })];
    const { model, socket } = await begin();
    await read(model, 8, 15);
    expect(socket.frames("mark_read")).toEqual([{ room_id: ROOM, id: 15 }]);
    expect(unread(model)).toBe(25);
    // What was read is not read again, and what is passed on the way down is read.
    for (const [first, last] of [
      [5, 12],
      [12, 19],
      [24, 31],
    ] as const) {
      model.lookAt(model.roomOf(ROOM), first, last);
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(socket.frames("mark_read").slice(1)).toMatchObject([{ id: 19 }, { id: 31 }]);
    expect(unread(model)).toBe(9);
    // The server's word about it is no news.
    const asked = fetched.length;
    socket.push("message_read", { room_id: ROOM, user_id: 1, first_id: 11, id: 31, read_at: "" });
    await vi.advanceTimersByTimeAsync(500);
    expect([fetched.length, unread(model)]).toEqual([asked, 9]);
  });

  it("counts the mentions among what is left", async () => {
    const mentions = [{ user_id: 1, name: "Alice" }];
    history = others(1, 9).map((each) => ([3, 5, 8].includes(each.id) ? { ...each, mentions } : each));
    list = [conversation(ROOM, { last_message: message(9), unread: 8, mentions: 3, read_id: 1 })];
    const { model, socket } = await begin();
    const mentioned = () => model.conversations.value.get(ROOM)?.mentions;
    await read(model, 1, 4);
    expect(mentioned()).toBe(2);
    model.lookAt(model.roomOf(ROOM), 4, 9);
    await vi.advanceTimersByTimeAsync(300);
    expect([unread(model), mentioned()]).toEqual([0, 0]);
    await model.markUnread(model.roomOf(ROOM), message(8));
    expect([unread(model), mentioned()]).toEqual([2, 1]);
    // Read on another device.
    socket.push("message_read", { room_id: ROOM, user_id: 1, first_id: 8, id: 9, read_at: "" });
    expect([unread(model), mentioned()]).toEqual([0, 0]);
  });

  it("marks what was in view when the room is left at once", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    model.lookAt(model.roomOf(ROOM), 1, 2);
    model.openRoom(null);
    expect(socket.frames("mark_read")).toEqual([{ room_id: ROOM, id: 2 }]);
    await vi.advanceTimersByTimeAsync(500);
    expect(socket.frames("mark_read")).toHaveLength(1);
  });

  for (const [what, readId] of [
    ["not loaded", 200],
    ["above the view", 955],
  ] as const) {
    it(`marks nothing while the first new message is ${what}`, async () => {
      history = others(951, 1000);
      list = [conversation(ROOM, { last_message: message(1000), unread: 1000 - readId, read_id: readId })];
      const { model, socket } = await begin();
      await read(model, 990, 1000);
      const room = model.roomOf(ROOM);
      expect([room.reading.value, unread(model)]).toEqual(["behind", 1000 - readId]);
      history.push(message(1001));
      socket.push("new_message", message(1001));
      model.lookAt(room, 990, 1001);
      await vi.advanceTimersByTimeAsync(300);
      expect(socket.frames("mark_read")).toEqual([]);
      expect(unread(model)).toBe(1001 - readId);
      model.markAllRead(ROOM);
      expect(socket.frames("mark_read")).toEqual([{ room_id: ROOM, id: 1001 }]);
      expect([room.reading.value, unread(model)]).toEqual(["on", 0]);
    });
  }

  it("takes for read what was seen on the way up", async () => {
    history = others(951, 1000);
    list = [conversation(ROOM, { last_message: message(1000), unread: 45, read_id: 955 })];
    const { model } = await begin();
    await read(model, 990, 1000);
    const room = model.roomOf(ROOM);
    for (const first of [980, 971, 962]) model.lookAt(room, first, first + 10);
    expect([room.reading.value, unread(model)]).toEqual(["behind", 45]);
    model.lookAt(room, 954, 963);
    await vi.advanceTimersByTimeAsync(300);
    expect([room.reading.value, unread(model)]).toEqual(["on", 0]);
  });

  it("loads all that is unread, and goes on from there", async () => {
    const all = others(1, 700);
    list = [conversation(ROOM, { last_message: message(700), unread: 583, read_id: 117 })];
    const { model, socket } = await begin();
    servePages(socket, all);
    await read(model, 690, 700);
    const room = model.roomOf(ROOM);
    expect((await model.loadUnread(room))?.id).toBe(118);
    expect(room.byId(117)).toBeDefined();
    expect(socket.frames("fetch_history").length).toBeLessThanOrEqual(5);
    expect([room.reading.value, room.divider.value]).toEqual(["behind", 117]);
    model.lookAt(room, 117, 125);
    await vi.advanceTimersByTimeAsync(300);
    expect([room.reading.value, unread(model)]).toEqual(["on", 575]);
  });

  it("counts messages of other rooms and marks those of the open room as read", async () => {
    const { model, socket } = await begin();
    socket.push("new_message", message(3));
    expect(unread(model)).toBe(3);
    expect(model.sortedConversations.value[0]?.last_message?.id).toBe(3);
    history.push(message(3));
    await read(model, 1, 3);
    socket.push("new_message", message(4));
    expect(unread(model)).toBe(0);
    model.lookAt(model.roomOf(ROOM), 1, 4);
    await vi.advanceTimersByTimeAsync(300);
    expect(unread(model)).toBe(0);
    expect(socket.frames("mark_read").at(-1)).toEqual({ room_id: ROOM, id: 4 });
  });

  it("marks nothing as read while the end is out of view", async () => {
    const { model, socket } = await begin();
    await read(model, 1, 2);
    model.isAtEnd.value = false;
    socket.push("new_message", message(3));
    expect(unread(model)).toBe(1);
    model.isAtEnd.value = true;
    model.lookAt(model.roomOf(ROOM), 1, 3);
    await vi.advanceTimersByTimeAsync(300);
    expect(unread(model)).toBe(0);
  });

  it("marks nothing as read in a window without the focus, until it has it", async () => {
    const { model, socket } = await begin();
    await read(model, 1, 2);
    const room = model.roomOf(ROOM);
    const marks = () => socket.frames("mark_read").length;
    const before = marks();
    const focus = vi.spyOn(document, "hasFocus").mockReturnValue(false);
    socket.push("new_message", message(3));
    model.lookAt(room, 1, 3);
    await vi.advanceTimersByTimeAsync(500);
    expect([unread(model), marks(), room.divider.value]).toEqual([1, before, 2]);
    await vi.advanceTimersByTimeAsync(50);
    focus.mockReturnValue(true);
    // As the server lists it once what is in view now is read.
    list = [conversation(ROOM, { last_message: message(3), read_id: 3 })];
    dispatchEvent(new Event("focus"));
    model.lookAt(room, 1, 3);
    await vi.advanceTimersByTimeAsync(500);
    expect([unread(model), marks()]).toEqual([0, before + 1]);
    expect(socket.frames("mark_read").at(-1)).toEqual({ room_id: ROOM, id: 3 });
  });

  it("knows what was read and marked as unread elsewhere once the user comes back", async () => {
    const { model } = await begin();
    for (const count of [0, 3]) {
      list = [conversation(ROOM, { last_message: message(2), unread: count })];
      dispatchEvent(new Event("focus"));
      await vi.advanceTimersByTimeAsync(500);
      expect(unread(model)).toBe(count);
    }
  });

  it("does not take for read what passed by without the focus", async () => {
    const { model, socket } = await begin();
    await read(model, 1, 2);
    const room = model.roomOf(ROOM);
    const focus = vi.spyOn(document, "hasFocus").mockReturnValue(false);
    for (const each of others(3, 30)) socket.push("new_message", each);
    model.lookAt(room, 20, 30);
    await vi.advanceTimersByTimeAsync(50);
    focus.mockReturnValue(true);
    list = [...model.conversations.value.values()];
    dispatchEvent(new Event("focus"));
    await vi.advanceTimersByTimeAsync(500);
    expect(unread(model)).toBe(28);
    model.lookAt(room, 20, 30);
    await vi.advanceTimersByTimeAsync(500);
    expect([room.reading.value, unread(model), room.divider.value]).toEqual(["behind", 28, 2]);
    model.lookAt(room, 2, 12);
    await vi.advanceTimersByTimeAsync(500);
    expect([room.reading.value, unread(model)]).toEqual(["on", 18]);
  });

  it("does not take for read what a reconnection replays above the view", async () => {
    const { model, socket } = await begin();
    await read(model, 1, 2);
    list = [conversation(ROOM, { last_message: message(40), unread: 38, read_id: 2 })];
    history = others(1, 40);
    socket.close();
    await vi.advanceTimersByTimeAsync(600);
    const next = await connect();
    const room = model.roomOf(ROOM);
    model.lookAt(room, 30, 40);
    await vi.advanceTimersByTimeAsync(500);
    expect(next.frames("mark_read")).toEqual([]);
    expect([room.reading.value, unread(model)]).toEqual(["behind", 38]);
  });

  it("lists the open room again without the focus, and reads nothing of it", async () => {
    const { model, socket } = await begin();
    await read(model, 1, 2);
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    socket.close();
    await vi.advanceTimersByTimeAsync(600);
    history.push(message(3));
    const next = await connect();
    next.push("new_message", message(3));
    await vi.advanceTimersByTimeAsync(500);
    expect(next.frames("fetch_history")).toMatchObject([{ peek: true }]);
    expect(model.roomOf(ROOM).messages.value.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(next.frames("mark_read")).toEqual([]);
  });

  it("keeps what was marked as unread while the room stays open", async () => {
    history = others(1, 9);
    list = [conversation(ROOM, { last_message: message(9), unread: 0, read_id: 9 })];
    const { model, socket } = await begin();
    await read(model, 1, 9);
    const room = model.roomOf(ROOM);
    await model.markUnread(room, message(7));
    expect(socket.frames("mark_unread")).toEqual([{ room_id: ROOM, id: 7 }]);
    expect([unread(model), room.divider.value]).toEqual([3, 6]);
    socket.push("new_message", message(10));
    await vi.advanceTimersByTimeAsync(50);
    list = [...model.conversations.value.values()];
    dispatchEvent(new Event("focus"));
    model.lookAt(room, 1, 10);
    await vi.advanceTimersByTimeAsync(500);
    expect([unread(model), socket.frames("mark_read")]).toEqual([4, []]);
    model.openRoom(null);
    await read(model, 3, 10);
    expect([unread(model), socket.frames("mark_read").length]).toEqual([0, 1]);
  });

  it("goes on if the server refuses to mark as unread", async () => {
    list = [conversation(ROOM, { last_message: message(2), unread: 0, read_id: 2 })];
    const { model, socket } = await begin();
    await read(model, 1, 2);
    socket.answer = () => ({ code: "message_not_found" });
    await expect(model.markUnread(model.roomOf(ROOM), message(2))).rejects.toMatchObject({
      code: "message_not_found",
    });
    expect([unread(model), model.roomOf(ROOM).reading.value]).toEqual([0, "on"]);
  });

  it("counts neither own nor system messages", async () => {
    const { model, socket } = await begin();
    socket.push("new_message", message(3, { user_id: 1 }));
    socket.push("new_message", message(4, { user_id: 0, message_type: "system" }));
    await vi.advanceTimersByTimeAsync(50);
    expect(model.unreadTotal.value).toBe(2);
    expect(model.sortedConversations.value[0]?.last_message?.id).toBe(4);
  });

  it("clears the count when the user reads on another device", async () => {
    const { model, socket } = await begin();
    socket.push("message_read", { room_id: ROOM, user_id: 1, first_id: 1, id: 2, read_at: "" });
    expect(model.unreadTotal.value).toBe(0);
  });

  it("announces only messages of others that arrive while the room is open", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("new_message", message(3, { user_id: 1 }));
    socket.push("new_message", message(4));
    await vi.advanceTimersByTimeAsync(50);
    expect(model.roomOf(ROOM).announced.value.map((message) => message.id)).toEqual([4]);
  });
});

describe("a list that lacks rooms", () => {
  const asked = () => fetched.filter((path) => path === "/api/v1/conversations").length;

  it("keeps the known ones, and is asked for again until it is whole", async () => {
    const { model } = await begin();
    const { refreshList } = await import("./conversation_list");
    const other = conversation(8);
    [list, isPartial] = [[other], true];
    await refreshList();
    expect(model.isListPartial.value).toBe(true);
    expect([...model.conversations.value.keys()]).toEqual([ROOM, 8]);
    const before = asked();
    await vi.advanceTimersByTimeAsync(45_000);
    expect(asked() - before).toBeGreaterThanOrEqual(2);
    expect(asked() - before).toBeLessThanOrEqual(5);
    [list, isPartial] = [[other], false];
    await vi.advanceTimersByTimeAsync(16_000);
    expect(model.isListPartial.value).toBe(false);
    expect([...model.conversations.value.keys()]).toEqual([8]);
    const after = asked();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBe(after);
  });

  it("is nothing to the next user", async () => {
    isPartial = true;
    const { model } = await begin();
    expect(model.isListPartial.value).toBe(true);
    model.session.logOut();
    expect(model.isListPartial.value).toBe(false);
    const before = asked();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBe(before);
  });
});

describe("the first page", () => {
  it("does not hide messages that arrive during its request", async () => {
    const { model, socket } = await begin();
    socket.isSilent = true;
    model.openRoom(ROOM);
    socket.push("new_message", message(3));
    const ref = socket.refOf("fetch_history");
    socket.push("message_history", { room_id: ROOM, messages: history, ref });
    socket.push("done", { ref });
    await vi.advanceTimersByTimeAsync(1);
    expect(model.roomOf(ROOM).messages.value.map((message) => message.id)).toEqual([1, 2, 3]);
  });

  it("goes on in smaller pages when the server has cut one", async () => {
    const { model, socket } = await begin();
    const all = Array.from({ length: 30 }, (_, at) => message(1 + at));
    socket.answer = ({ type, payload }) => {
      if (type !== "fetch_history") return undefined;
      const { page, page_size: size, ref } = payload as { page: number; page_size: number; ref: string };
      const window = all.slice(Math.max(0, all.length - page * size), all.length - (page - 1) * size);
      const cut = window.length > 12 ? { cut: true } : {};
      socket.push("message_history", { room_id: ROOM, messages: window.slice(-12), ...cut, ref });
      return undefined;
    };
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    const room = model.roomOf(ROOM);
    expect([room.messages.value.length, room.hasOlder.value]).toEqual([12, true]);
    for (let tries = 0; room.hasOlder.peek() && tries < 5; tries += 1) await model.loadOlder(room);
    expect(room.hasOlder.value).toBe(false);
    expect(room.messages.value.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });

  it("is loaded when the user is added to the open room again", async () => {
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

describe("presence", () => {
  it("is fetched a second time, as users who had just left were still listed", async () => {
    const { model } = await begin();
    const asked = () => fetched.filter((path) => path.startsWith("/api/chat/online-users")).length;
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(90_000);
    expect(asked()).toBe(2);
    expect(model.online.value.size).toBe(0);
  });

  it("shows senders as online for a while, but not those of old messages", async () => {
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
  it("remove deleted messages for good", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("message_deleted", { room_id: ROOM, id: 1, user_id: 2 });
    const room = model.roomOf(ROOM);
    expect(room.messages.value.map((message) => message.id)).toEqual([2]);
    // The page was read before the deletion.
    await model.loadNewest(room);
    expect(room.messages.value.map((message) => message.id)).toEqual([2]);
  });

  it("show typing until it ends or the message arrives", async () => {
    const { model, socket } = await begin();
    const room = model.roomOf(ROOM);
    const typist = { room_id: ROOM, user_id: 2, username: "Bob" };
    socket.push("typing", typist);
    socket.push("typing", { ...typist, user_id: 1, username: "Alice" });
    expect(room.typing.value.map((message) => message.name)).toEqual(["Bob"]);
    expect(model.online.value.has(2)).toBe(true);
    socket.push("new_message", message(3));
    await vi.advanceTimersByTimeAsync(50);
    expect(room.typing.value).toEqual([]);
    socket.push("typing", typist);
    await vi.advanceTimersByTimeAsync(5100);
    expect(room.typing.value).toEqual([]);
  });

  it("mark own messages as delivered and read", async () => {
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

  it.each(["left", "removed"] as const)("of a user who was %s remove the room, and say why", async (kind) => {
    const { model, socket } = await begin();
    await import("./alerts");
    const line = systemMessage(3, kind, "Bob", "Alice", [2, 1]);
    socket.push("member_removed", { room_id: ROOM, user_id: 1, username: "Alice", message: line });
    expect(model.conversations.value.has(ROOM)).toBe(false);
    const { toast } = await import("./toast");
    expect(toast.value !== null).toBe(kind === "removed");
  });

  it("of somebody who was removed end what that user types", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("typing", { room_id: ROOM, user_id: 3, username: "Carol" });
    expect(model.roomOf(ROOM).typing.value).toHaveLength(1);
    const line = systemMessage(3, "removed", "Bob", "Carol", [2, 3]);
    socket.push("member_removed", { room_id: ROOM, user_id: 3, username: "Carol", message: line });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.roomOf(ROOM).typing.value).toEqual([]);
  });

  it("carry the present names of members", async () => {
    const { model, socket } = await begin();
    list = [conversation(ROOM, { user_id: 2, is_private: true, name: "Bob" })];
    await model.refreshList();
    const room = model.roomOf(ROOM);
    room.members.value = [{ user_id: 2, username: "Bob", role: "member", status_text: "", avatar: "" }];
    const names = () => [room.members.value?.[0]?.username, model.conversations.value.get(ROOM)?.name];
    socket.push("typing", { room_id: ROOM, user_id: 2, username: "Rob" });
    expect(names()).toEqual(["Rob", "Bob"]);
    socket.push("new_message", message(3, { username: "Robert" }));
    await vi.advanceTimersByTimeAsync(50);
    expect(names()).toEqual(["Robert", "Robert"]);
  });

  it("rename a room, and remove one that is gone for everyone", async () => {
    const { model, socket } = await begin();
    await Promise.all([import("./alerts"), (await import("../i18n")).loadTexts("en")]);
    const before = model.conversations.value.get(ROOM)?.name;
    socket.push("room_changed", { room_id: ROOM, user_id: 1, description: "other" });
    expect(model.conversations.value.get(ROOM)?.name).toBe(before);
    socket.push("room_changed", { room_id: ROOM, user_id: 1, name: "Project Beta" });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.conversations.value.get(ROOM)?.name).toBe("Project Beta");
    socket.push("room_removed", { room_id: ROOM, user_id: 2 });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.conversations.value.has(ROOM)).toBe(false);
    expect((await import("./toast")).toast.value?.text).toContain("Project Beta");
  });
});

describe("reconnecting", () => {
  it("resumes from the newest known message before it reports to be caught up", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    expect(model.isCaughtUp.value).toBe(true);
    socket.close();
    expect(model.isCaughtUp.value).toBe(false);
    await vi.advanceTimersByTimeAsync(600);
    const next = FakeSocket.latest();
    serve(next);
    next.open();
    await vi.advanceTimersByTimeAsync(50);
    expect(next.since).toEqual({ [ROOM]: "2-1" });
    expect(next.frames("resume")).toEqual([]);
    next.push("new_message", message(3));
    history.push(message(3));
    // The replay has not ended.
    await vi.advanceTimersByTimeAsync(50);
    expect(model.isCaughtUp.value).toBe(false);
    next.push("resumed", { room_id: ROOM });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.isCaughtUp.value).toBe(true);
    expect(model.roomOf(ROOM).messages.value.map((message) => message.id)).toEqual([1, 2, 3]);
  });

  it("reloads the history when too much was missed", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.close();
    history = Array.from({ length: 50 }, (_, at) => message(100 + at));
    await vi.advanceTimersByTimeAsync(600);
    const next = FakeSocket.latest();
    serve(next);
    next.open();
    next.push("not_recovered", { room_id: ROOM });
    await vi.advanceTimersByTimeAsync(50);
    expect(model.isCaughtUp.value).toBe(true);
    expect(model.roomOf(ROOM).messages.value[0]?.id).toBe(100);
    expect(model.roomOf(ROOM).hasOlder.value).toBe(true);
  });

  it("resumes by a command what the handshake has no room for, and goes on if that is refused", async () => {
    const more = Array.from({ length: 130 }, (_, at) =>
      conversation(1000 + at, { active_at: message(0).created_at }),
    );
    list = [...list, ...more];
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    socket.close();
    history.push(message(3));
    await vi.advanceTimersByTimeAsync(600);
    const next = FakeSocket.latest();
    expect(Object.keys(next.since)).toHaveLength(100);
    expect(next.url.length).toBeLessThan(4000);
    serve(next);
    const answer = next.answer;
    next.answer = (frame) => (frame.type === "resume" ? { code: "unavailable" } : answer(frame));
    next.open();
    await vi.advanceTimersByTimeAsync(50);
    const asked = next.frames("resume").flatMap(({ rooms }) => Object.keys(rooms as object));
    expect(asked).toHaveLength(31);
    expect(asked.filter((room) => room in next.since)).toEqual([]);
    expect(model.isCaughtUp.value).toBe(true);
    expect(model.roomOf(ROOM).messages.value.map((message) => message.id)).toEqual([1, 2, 3]);
  });

  it("takes messages with the ids of lost ones for new when the server has lost some", async () => {
    history = [message(1), message(2), message(3), message(4)];
    list = [conversation(ROOM, { last_message: message(4), unread: 0, read_id: 4 })];
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    socket.push("message_deleted", { room_id: ROOM, id: 3, user_id: 2 });
    model.openRoom(null);
    socket.isSilent = true;
    socket.push("not_recovered", { room_id: ROOM });
    // The third and fourth message were lost, and their ids are used again.
    const again = message(3, { content: "new", resume: "3-9" });
    socket.push("new_message", again);
    await vi.advanceTimersByTimeAsync(50);
    expect(model.unreadTotal.value).toBe(1);
    expect(model.sortedConversations.value[0]?.last_message).toEqual(again);
    socket.isSilent = false;
    history = [message(1), message(2), again];
    list = [conversation(ROOM, { last_message: again, unread: 1, read_id: 2 })];
    await vi.advanceTimersByTimeAsync(500);
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(200);
    model.lookAt(model.roomOf(ROOM), 1, 3);
    await vi.advanceTimersByTimeAsync(300);
    expect(model.roomOf(ROOM).messages.value.map(({ content }) => content)).toEqual([
      "text 1",
      "text 2",
      "new",
    ]);
    socket.push("new_message", message(4, { resume: "4-9" }));
    const marks = socket.frames("mark_read").length;
    model.lookAt(model.roomOf(ROOM), 1, 4);
    await vi.advanceTimersByTimeAsync(300);
    expect(socket.frames("mark_read").slice(marks)).toEqual([{ room_id: ROOM, id: 4 }]);
  });

  it("follows changes of the own profile and of pictures, and reads the account again after a loss", async () => {
    const { model, socket } = await begin();
    socket.push("me_changed", { username: "Anna", status_text: "Away" });
    const changed = { id: 1, username: "Anna", avatar: "", status_text: "Away" };
    expect(model.session.me.value).toMatchObject(changed);
    socket.push("room_changed", { room_id: ROOM, user_id: 2, avatar: "/uploads/images/a.png" });
    const pictured = { name: "Room 7", avatar: "/uploads/images/a.png" };
    await vi.advanceTimersByTimeAsync(50);
    expect(model.conversations.value.get(ROOM)).toMatchObject(pictured);
    socket.close();
    await vi.advanceTimersByTimeAsync(600);
    await connect();
    expect(model.session.me.value).toMatchObject({ id: 1, username: "Alice", status_text: "" });
  });

  it("leaves nothing of one user to the next", async () => {
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

describe("the messages of a room", () => {
  const arrive = (socket: FakeSocket, from: number, to: number) => {
    for (let id = from; id <= to; id += 1) socket.push("new_message", message(id));
  };

  it("are bounded while the room is open, and the older ones can be read again", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    const room = model.roomOf(ROOM);
    let most = 0;
    for (let id = 3; id <= 10_000; id += 1) {
      socket.push("new_message", message(id));
      if (id % 100 === 0) await vi.advanceTimersByTimeAsync(50);
      most = Math.max(most, room.messages.value.length);
    }
    expect(most).toBeLessThanOrEqual(1200);
    expect(room.messages.value.at(-1)?.id).toBe(10_000);
    expect(room.messages.value.length).toBeGreaterThanOrEqual(1000);
    expect(room.hasOlder.value).toBe(true);
  });

  it("stay under the eyes of a user who has scrolled up, within a larger bound", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    model.isAtEnd.value = false;
    arrive(socket, 3, 2500);
    expect(model.roomOf(ROOM).messages.value[0]?.id).toBe(1);
    arrive(socket, 2501, 4000);
    expect(model.roomOf(ROOM).messages.value.length).toBeLessThanOrEqual(3000);
  });

  it("are but a few once another room is opened", async () => {
    const { model, socket } = await begin();
    model.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(1);
    arrive(socket, 3, 900);
    await vi.advanceTimersByTimeAsync(50);
    model.openRoom(null);
    expect(model.roomOf(ROOM).messages.value).toHaveLength(100);
    expect(model.roomOf(ROOM).hasOlder.value).toBe(true);
  });

  it("do not come back after a deletion, of which the latest thousand are remembered", async () => {
    const { model } = await begin();
    const room = model.roomOf(ROOM);
    for (let id = 1; id <= 5000; id += 1) room.noteDeleted(id);
    expect(room.deletedIds.size).toBe(1000);
    expect(room.deletedIds.has(5000)).toBe(true);
  });
});
