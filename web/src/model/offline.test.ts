// What is kept on the device and shown from there, with the whole state of the chat and a fake server.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation, Message } from "../net/types";
import { FakeSocket } from "../testing/fake_socket";
import { account, conversation, message } from "../testing/fixtures";

const ROOM = 7;
/** The values on the device, which outlive a page. */
const device = new Map<string, unknown>();
const copy = (value: unknown) => (value === undefined ? undefined : structuredClone(value));
vi.mock("./device_store", () => ({
  read: async (...names: string[]) => names.map((name) => copy(device.get(name))),
  write: async (values: Map<string, unknown>) => {
    for (const [name, value] of values) {
      if (value === undefined) device.delete(name);
      else device.set(name, copy(value));
    }
  },
  clear: async () => device.clear(),
}));

let isOnline: boolean;
let userId: number;
let list: Conversation[];
let histories: Map<number, Message[]>;
/** Stops the pages of a test. */
const pages: (() => void)[] = [];
const realTimeout = globalThis.setTimeout;

/** Waits for digests, which take no time of the fake clock. */
const breathe = () => new Promise((done) => realTimeout(done, 20));

/** Leaves the page: the session goes on, and the browser keeps what it has stored. */
function leave(): void {
  const stored = Object.entries(localStorage);
  for (const end of pages.splice(0)) end();
  localStorage.clear();
  for (const [key, value] of stored) localStorage.setItem(key, String(value));
}

const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000).toISOString();
const recent = (id: number, room_id = ROOM, part: Partial<Message> = {}) =>
  message(id, { room_id, created_at: at(3600 - id), ...part });

beforeEach(() => {
  leave();
  vi.useFakeTimers();
  vi.restoreAllMocks();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", async (path: string) => {
    if (!isOnline) throw new TypeError("failed to fetch");
    const body = answer(path);
    return new Response(JSON.stringify(body), { status: body === undefined ? 404 : 200 });
  });
  Object.defineProperty(navigator, "locks", {
    value: { request: async (_: string, __: object, run: () => unknown) => run() },
    configurable: true,
  });
  FakeSocket.all = [];
  localStorage.clear();
  localStorage.setItem("token", "t");
  device.clear();
  isOnline = true;
  userId = 1;
  histories = new Map([
    [ROOM, [recent(1), recent(2)]],
    [8, [recent(5, 8)]],
  ]);
  list = [conversation(ROOM, { last_message: recent(2) }), conversation(8, { last_message: recent(5, 8) })];
});

function answer(path: string): unknown {
  if (path === "/api/v1/me") return account(userId, "Alice");
  if (path === "/api/v1/conversations") return list;
  if (path.startsWith("/api/chat/online-users")) return [];
  if (path === "/api/chat/message/status") return { status: "delivered" };
  return undefined;
}

function serve(socket: FakeSocket): void {
  socket.answer = ({ type, payload }) => {
    if (type !== "fetch_history") return undefined;
    const { room_id, ref } = payload as { room_id: number; ref: string };
    socket.push("message_history", { room_id, messages: histories.get(room_id) ?? [], ref });
    return undefined;
  };
  socket.open();
}

/** Loads the page. */
async function load() {
  vi.resetModules();
  await import("./chat");
  const { keep } = await import("./keeper");
  const model = {
    ...(await import("./rooms")),
    ...(await import("./history")),
    ...(await import("./outbox")),
    ...(await import("./sending")),
    ...(await import("./restored")),
    ...(await import("./connection")),
    session: await import("./session"),
  };
  pages.push(() => {
    model.session.token.value = null;
  });
  keep();
  await vi.advanceTimersByTimeAsync(1);
  if (!isOnline) {
    FakeSocket.latest().close();
    await vi.advanceTimersByTimeAsync(1);
    await breathe();
    return model;
  }
  serve(FakeSocket.latest());
  await vi.advanceTimersByTimeAsync(10);
  await breathe();
  return model;
}

type Model = Awaited<ReturnType<typeof load>>;

async function open(model: Model, room: number): Promise<void> {
  model.openRoom(room);
  await vi.advanceTimersByTimeAsync(10);
}

/** Everything that is kept is written by then. */
const settle = () => vi.advanceTimersByTimeAsync(6000);

/** Leaves the page, and loads it without a connection. */
async function loadOffline(): Promise<Model> {
  await settle();
  leave();
  isOnline = false;
  return load();
}

const shown = (model: Model, room = ROOM) =>
  model
    .roomOf(room)
    .messages.peek()
    .map(({ id }) => id);

describe("without a connection", () => {
  it("the page shows the list and the rooms that were opened", async () => {
    await open(await load(), ROOM);
    const model = await loadOffline();
    expect(model.session.me.value?.username).toBe("Alice");
    expect(model.listState.value).toBe("ready");
    expect(model.sortedConversations.value.map(({ id }) => id)).toEqual([ROOM, 8]);
    await open(model, ROOM);
    expect(shown(model)).toEqual([1, 2]);
    expect([...model.restoredRooms.value]).toEqual([ROOM]);
    // Of a room that was not opened nothing is kept, which is said.
    await open(model, 8);
    expect(model.roomOf(8).state.value).toBe("error");
  });

  it("a room with more messages than are kept does not begin with the first of these", async () => {
    histories.set(
      ROOM,
      Array.from({ length: 50 }, (_, index) => recent(index + 1)),
    );
    await open(await load(), ROOM);
    const model = await loadOffline();
    await open(model, ROOM);
    expect(shown(model)).toHaveLength(50);
    expect(model.roomOf(ROOM).hasOlder.value).toBe(true);
    expect(model.roomOf(8).hasOlder.value).toBe(false);
  });

  it("what is written waits, and is sent once when the server is there again", async () => {
    await open(await load(), ROOM);
    const model = await loadOffline();
    await open(model, ROOM);
    model.sendText(ROOM, "from the train", null);
    expect(model.pendingMessages.value).toMatchObject([{ text: "from the train", state: "sending" }]);
    isOnline = true;
    await vi.advanceTimersByTimeAsync(30_000);
    serve(FakeSocket.latest());
    await vi.advanceTimersByTimeAsync(20);
    expect(FakeSocket.latest().frames("send_message")).toMatchObject([{ content: "from the train" }]);
    expect(shown(model)).toEqual([1, 2]);
    expect(model.restoredRooms.value.size).toBe(0);
  });

  it("nothing is shown of another session", async () => {
    await open(await load(), ROOM);
    await settle();
    leave();
    localStorage.setItem("token", "of somebody else");
    isOnline = false;
    const model = await load();
    expect(model.session.me.value).toBeNull();
    expect(model.listState.value).not.toBe("ready");
  });

  it("messages older than seven days are gone", async () => {
    const model = await load();
    histories.set(ROOM, [message(1, { created_at: at(7 * 24 * 3600 - 60) }), recent(2)]);
    await open(model, ROOM);
    await settle();
    vi.setSystemTime(Date.now() + 120_000);
    const later = await loadOffline();
    await open(later, ROOM);
    expect(shown(later)).toEqual([2]);
  });
});

describe("once the server has told that", () => {
  it("a message is deleted or edited, it is not kept any more", async () => {
    await open(await load(), ROOM);
    await settle();
    const socket = FakeSocket.latest();
    socket.push("message_deleted", { room_id: ROOM, id: 1, user_id: 2 });
    const edited_at = at(0);
    socket.push("message_edited", { room_id: ROOM, id: 2, user_id: 2, content: "better", edited_at });
    await vi.advanceTimersByTimeAsync(100);
    expect(device.get("room.7")).toMatchObject([{ id: 2, content: "better" }]);
    expect(device.get("list")).toMatchObject([{ last_message: { content: "better" } }, {}]);
  });

  it("also in a room that is not open since the page was loaded", async () => {
    await open(await load(), ROOM);
    await settle();
    leave();
    await load();
    FakeSocket.latest().push("message_deleted", { room_id: ROOM, id: 2, user_id: 2 });
    FakeSocket.latest().push("new_message", recent(3));
    await vi.advanceTimersByTimeAsync(1100);
    expect(device.get("room.7")).toMatchObject([{ id: 1 }, { id: 3 }]);
  });

  it("the user is out of a room, it is not kept any more", async () => {
    await open(await load(), ROOM);
    await settle();
    FakeSocket.latest().push("room_removed", { room_id: ROOM, user_id: 2 });
    await vi.advanceTimersByTimeAsync(100);
    expect(device.has("room.7")).toBe(false);
    expect(device.get("list")).toMatchObject([{ id: 8 }]);
  });
});

it("kept rooms are read again when the page is loaded, and count as read by nobody", async () => {
  await open(await load(), ROOM);
  await settle();
  leave();
  histories.set(ROOM, [recent(2), recent(3)]);
  await load();
  await settle();
  expect(device.get("room.7")).toMatchObject([{ id: 2 }, { id: 3 }]);
  expect(FakeSocket.latest().frames("fetch_history")).toMatchObject([{ room_id: ROOM, peek: true }]);
});

it("what another user left is removed", async () => {
  await open(await load(), ROOM);
  await settle();
  leave();
  localStorage.setItem("token", "of Bob");
  userId = 2;
  list = [conversation(9)];
  await load();
  await settle();
  expect(device.has("room.7")).toBe(false);
  expect(device.get("account")).toMatchObject({ me: { id: 2 } });
});

it("the end of a session removes what is kept", async () => {
  const deleteDatabase = vi.fn();
  vi.stubGlobal("indexedDB", { deleteDatabase });
  const model = await load();
  await open(model, ROOM);
  await settle();
  expect(localStorage.getItem("chinwag.opened.1")).toBe("7");
  model.session.logOut();
  expect(deleteDatabase).toHaveBeenCalledWith("chinwag");
  expect(localStorage.getItem("chinwag.opened.1")).toBeNull();
  device.clear();
  await settle();
  expect(device.size).toBe(0);
});
