// What users of the package for TypeScript do, on two nodes. CHINWAG_NODES has their addresses; the file CHINWAG_VICTIM has
// the pid of the first one, which a supervisor starts again after a crash.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { ChatConnection, type Events, HttpClient, Refused, type RoomMessage } from "chinwag-client";
import WebSocket from "ws";

const [first = "", second = ""] = (process.env.CHINWAG_NODES ?? "").split(" ");
const password = "your_strong_password";
/** More than the handshake of a reconnection has a place for. */
const ROOMS = 105;
/** More than a user may send at once. */
const SENDS = 35;

/** A socket that is cut when something arrives which is not wanted, as if the network had failed just before. */
class Fragile extends WebSocket {
  static isUnwanted = (_: string) => false;

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === "message" && Fragile.isUnwanted(String(args[0]))) {
      this.terminate();
      return true;
    }
    return super.emit(event, ...args);
  }
}

type Received = { [Type in keyof Events]: { type: Type; event: Events[Type] } }[keyof Events];

/** A user with a connection, and all that arrives there. */
class User {
  readonly http: HttpClient;
  readonly name: string;
  readonly chat: ChatConnection;
  readonly received: Received[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(name: string, http: HttpClient) {
    this.name = name;
    this.http = http;
    this.chat = new ChatConnection({ http, WebSocket: Fragile });
    const types = [
      "new_message",
      "member_added",
      "message_edited",
      "message_deleted",
      "reaction",
      "reactions",
    ] as const;
    const further = ["pinned", "resumed", "not_recovered", "status", "closed", "refused"] as const;
    for (const type of [...types, ...further]) {
      this.chat.on(type, (event) => {
        this.received.push({ type, event } as Received);
        for (const check of this.waiting) check();
      });
    }
  }

  static async register(name: string, url: string): Promise<User> {
    const http = new HttpClient(url);
    await http.call("POST /api/v1/auth/register", { body: { username: name, password } });
    http.token = (await http.call("POST /api/v1/auth/login", { body: { username: name, password } })).token;
    return new User(name, http);
  }

  all<Type extends keyof Events>(type: Type): Events[Type][] {
    return this.received.filter((it) => it.type === type).map(({ event }) => event as Events[Type]);
  }

  messages(room: number): RoomMessage[] {
    return this.all("new_message").filter(({ room_id }) => room_id === room);
  }

  texts(room: number): string[] {
    return this.messages(room).map(({ text }) => text);
  }

  /** Waits until something is so, which an event brings about. */
  until(what: string, isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} waits: ${what}`)), 30_000);
      const check = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }

  async open(): Promise<void> {
    this.chat.start();
    await this.until("a connection", () => this.chat.status === "open");
  }

  makeRoom(name: string): Promise<{ id: number }> {
    return this.http.call("POST /api/v1/rooms", { body: { name, is_private: false } });
  }

  async add(other: User, room: number): Promise<void> {
    await this.http.call("POST /api/v1/rooms/{id}/members", {
      path: { id: room },
      body: { username: other.name },
    });
  }
}

const killFirstNode = () =>
  process.kill(Number(readFileSync(process.env.CHINWAG_VICTIM ?? "", "utf8")), "SIGKILL");
const refused = (code: string) => (error: unknown) => error instanceof Refused && error.code === code;

const alice = await User.register("Alice", first);
const bob = await User.register("Bob", second);
const { id: room } = await alice.makeRoom("Project Alpha");
after(() => {
  for (const { chat } of [alice, bob]) chat.stop();
});

test("members of a room write to each other over two nodes", async () => {
  await Promise.all([alice.open(), bob.open()]);
  await alice.add(bob, room);
  await bob.until("the room", () => bob.all("member_added").some(({ room_id }) => room_id === room));
  const members = await bob.http.call("GET /api/v1/rooms/{id}/members", { path: { id: room } });
  assert.deepEqual(
    members.map(({ username }) => username),
    ["Alice", "Bob"],
  );
  const sent = await alice.chat.send({ room_id: room, content: "Hello Bob!" });
  assert.equal(sent.text, "Hello Bob!");
  const reply = await bob.chat.send({ room_id: room, content: "Hello Alice!", reply_to: sent.id });
  await alice.until("the reply", () => alice.messages(room).some(({ id }) => id === reply.id));
  assert.equal(alice.messages(room).at(-1)?.reply_to, sent.id);
});

test("messages are edited, reacted to, pinned and deleted", async () => {
  const { id } = await alice.chat.send({ room_id: room, content: "Tomorow" });
  await alice.chat.command("edit_message", { room_id: room, id, content: "Tomorrow" });
  await bob.chat.command("react", { room_id: room, id, emoji: "👍", on: true });
  await alice.chat.command("pin", { room_id: room, id, on: true });
  await alice.chat.command("delete_message", { room_id: room, id });
  await bob.until("the deletion", () => bob.all("message_deleted").some((event) => event.id === id));
  assert.equal(bob.all("message_edited").find((event) => event.id === id)?.content, "Tomorrow");
  assert.equal(bob.all("reaction").find((event) => event.id === id)?.emoji, "👍");
  assert.equal(bob.all("pinned").find((event) => event.id === id)?.on, true);
});

test("files are uploaded, messages searched, histories read in pages", async () => {
  const form = new FormData();
  form.append("image", new Blob([readFileSync(process.env.CHINWAG_PICTURE ?? "")]), "still.png");
  const { url } = await alice.http.call("POST /api/v1/upload/image", { body: form });
  const picture = await alice.chat.send({ room_id: room, content: url, is_image: true });
  assert.equal(picture.message_type, "image");
  assert.equal((await fetch(picture.content)).status, 200);
  const query = { kind: "message", q: "hello b", room_id: String(room) };
  const found = await bob.http.call("GET /api/v1/search", { query });
  assert.deepEqual(
    found.map((it) => "text" in it && it.text),
    ["Hello Bob!"],
  );
  const all = (await bob.chat.fetchHistory({ room_id: room, page_size: 100 })).messages;
  const [newer, older] = await Promise.all(
    [1, 2].map((page) => bob.chat.fetchHistory({ room_id: room, page, page_size: 3 })),
  );
  assert.deepEqual([...(older?.messages ?? []), ...(newer?.messages ?? [])], all.slice(-6));
});

test("what the server refuses has a code", async () => {
  const { http, chat } = alice;
  const again = { username: "Alice", password };
  await assert.rejects(http.call("POST /api/v1/auth/register", { body: again }), (error) => {
    return error instanceof Refused && error.code === "name_taken" && error.status === 409;
  });
  await assert.rejects(chat.send({ room_id: 999_999, content: "Anybody?" }), refused("room_not_found"));
  await assert.rejects(chat.send({ room_id: room, content: "x".repeat(5001) }), (error) => {
    return error instanceof Refused && error.code === "length" && error.field === "content";
  });
  const huge = "x".repeat(200_000);
  await assert.rejects(chat.send({ room_id: room, content: huge }), refused("too_large"));
  await assert.rejects(chat.command("join_room", { room_id: 999_999 }), refused("room_not_found"));
  assert.equal(alice.all("refused").length, 2);
  const carol = await User.register("Carol", second);
  await assert.rejects(carol.chat.command("typing", { room_id: 1 }), refused("lost"));
  await carol.open();
  await carol.http.call("POST /api/v1/auth/logout", { body: { everywhere: true } });
  await carol.until("the end", () => carol.all("closed").length === 1);
  assert.equal(carol.all("closed")[0]?.code, 1008);
  carol.chat.start();
  await carol.until("the next end", () => carol.all("closed").length === 2);
  assert.equal(carol.all("closed")[1]?.code, "unauthenticated");
});

test("no message is lost or comes twice when a node is killed meanwhile", async () => {
  const { id: stage } = await alice.makeRoom("Stage");
  await alice.add(bob, stage);
  const texts = (name: string) => Array.from({ length: SENDS }, (_, at) => `${name} ${at}`);
  const send = (user: User) => texts(user.name).map((content) => user.chat.send({ room_id: stage, content }));
  const sends = [...send(alice), ...send(bob)];
  await sends[5];
  killFirstNode();
  const stored = await Promise.all(sends);
  assert.ok(alice.all("status").includes("waiting"), "Alice lost her connection");
  const wanted = [...texts("Alice"), ...texts("Bob")].sort();
  for (const user of [alice, bob]) {
    await user.until("all messages", () => user.texts(stage).length >= wanted.length);
    assert.deepEqual([...user.texts(stage)].sort(), wanted);
    // The ids in the order in which the server stored them.
    const ids = user.messages(stage).map(({ id }) => id);
    assert.deepEqual(
      ids,
      stored.map(({ id }) => id).sort((a, b) => a - b),
    );
    const own = user.texts(stage).filter((text) => text.startsWith(user.name));
    assert.deepEqual(own, texts(user.name), "in the order of their sends");
  }
  const history = await bob.chat.fetchHistory({ room_id: stage, page_size: 1000 });
  const listed = history.messages.filter((message) => !message.notice).map(({ text }) => text);
  assert.deepEqual(listed, alice.texts(stage));
});

test("a message whose answers are lost is stored once, and comes once", async () => {
  const before = alice.all("status").length;
  Fragile.isUnwanted = (text) => text.includes('"lost answer"') || text.includes('"done"');
  const sent = alice.chat.send({ room_id: room, content: "lost answer" });
  await alice.until("the loss", () => alice.all("status").slice(before).includes("waiting"));
  Fragile.isUnwanted = () => false;
  const { id } = await sent;
  // Whatever else there is of the message precedes the next one.
  await alice.chat.send({ room_id: room, content: "after that" });
  await bob.until("the next", () => bob.texts(room).includes("after that"));
  for (const user of [alice, bob]) {
    assert.deepEqual(
      user
        .messages(room)
        .filter(({ text }) => text === "lost answer")
        .map((it) => it.id),
      [id],
    );
  }
});

test("a connection resumes messages and what happened to them, in however many rooms", async () => {
  const { id: kept } = await alice.chat.send({ room_id: room, content: "kept" });
  const { id: dropped } = await alice.chat.send({ room_id: room, content: "dropped" });
  const { id: old } = await alice.makeRoom("Old");
  await alice.add(bob, old);
  for (let count = 0; count < ROOMS; count += 1) await alice.makeRoom(`Room ${count}`);
  await alice.until("the rooms", () => alice.all("member_added").length > ROOMS);
  alice.chat.stop();
  await bob.chat.send({ room_id: old, content: "in an old room" });
  await bob.chat.command(
    "edit_message",
    await bob.chat.send({ room_id: room, content: "edit me" }).then(edited),
  );
  await bob.chat.command("react", { room_id: room, id: kept, emoji: "🎉", on: true });
  const direct = await bob.http.call("POST /api/v1/rooms", { body: { username: "Alice", is_private: true } });
  await bob.chat.send({ room_id: direct.id, content: "between us" });
  await deleteThrough(dropped);
  await alice.open();
  await alice.until("the old room", () => alice.texts(old).includes("in an old room"));
  await alice.until("the edited message", () => alice.texts(room).includes("edited"));
  await alice.until("the deletion", () => alice.all("message_deleted").some(({ id }) => id === dropped));
  const reactions = () => [...alice.all("reaction"), ...alice.all("reactions")].some(({ id }) => id === kept);
  await alice.until("the reaction", reactions);
  // A room that she did not know of.
  await alice.until("the new room", () =>
    alice.all("not_recovered").some(({ room_id }) => room_id === direct.id),
  );
  const { messages } = await alice.chat.fetchHistory({ room_id: direct.id, page_size: 20 });
  assert.deepEqual(
    messages.map(({ text }) => text),
    ["between us"],
  );
  for (const id of [room, old]) assert.equal(new Set(alice.texts(id)).size, alice.texts(id).length);
});

test("unsent messages survive the end of the program", async () => {
  let saved: string | null = null;
  const storage = { load: () => saved, save: (text: string) => (saved = text) };
  // Without a connection; then the program ends.
  void new ChatConnection({ http: alice.http, WebSocket, storage }).send({
    room_id: room,
    content: "from before",
  });
  const chat = new ChatConnection({ http: alice.http, WebSocket, storage });
  chat.start();
  await bob.until("the message", () => bob.texts(room).includes("from before"));
  await alice.until("the message", () => alice.texts(room).includes("from before"));
  const { id } = await chat.send({ room_id: room, content: "and now" });
  chat.stop();
  await bob.until("the other", () => bob.messages(room).some((message) => message.id === id));
  assert.equal(bob.texts(room).filter((text) => text === "from before").length, 1);
  assert.equal(saved, "[]");
});

const edited = ({ room_id, id }: RoomMessage) => ({ room_id, id, content: "edited" });

/** Deletes one of Alice's messages while her own connection is away. */
async function deleteThrough(id: number): Promise<void> {
  const chat = new ChatConnection({ http: new HttpClient(second, alice.http.token), WebSocket });
  const open = new Promise<void>((resolve) => chat.on("status", (status) => status === "open" && resolve()));
  chat.start();
  await open;
  await chat.command("delete_message", { room_id: room, id });
  chat.stop();
}
