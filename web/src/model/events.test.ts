// What events notify of and change.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation, EventFrame, Mention, RoomMessage } from "../net/types";
import { account, conversation, message, systemMessage } from "../testing/fixtures";
import "./alerts";
import { connection } from "./connection";
import { refreshList } from "./conversation_list";
import { applyEvent } from "./events";
import { loadNewest, loadOlder } from "./history";
import { notify } from "./notifications";
import { cards, noteCards } from "./people";
import { conversations, resetRooms, roomOf } from "./rooms";
import { me } from "./session";

vi.mock("./notifications", () => ({ notify: vi.fn(async () => {}) }));

const ROOM = 7;
const [ALICE, BOB, CAROL] = [1, 2, 3];
/** What the server lists. */
let list: Conversation[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.mocked(notify).mockClear();
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(list)));
  resetRooms();
  me.value = account(ALICE, "Alice");
  list = [conversation(ROOM)];
});

const arrival = (part: Partial<RoomMessage> = {}): EventFrame => ({
  type: "new_message",
  payload: message(5, part),
});

function membership(message: RoomMessage, user_id: number): EventFrame {
  const payload = { room_id: ROOM, user_id, username: "", message };
  return { type: "member_added", payload };
}

async function applied(...frames: EventFrame[]): Promise<[number, string][]> {
  for (const frame of frames) applyEvent(frame);
  await vi.advanceTimersByTimeAsync(500);
  return vi.mocked(notify).mock.calls.map(([{ id }, { name }]) => [id, name]);
}

describe("a room that the list lacks", () => {
  it("notifies of its first messages", async () => {
    const second: EventFrame = { type: "new_message", payload: message(6, { user_id: CAROL }) };
    expect(await applied(arrival(), second)).toEqual([
      [5, "Room 7"],
      [6, "Room 7"],
    ]);
  });

  it("notifies that somebody has added the user", async () => {
    const added = systemMessage(5, "added", "Bob", "Alice", [BOB, ALICE]);
    expect(await applied(membership(added, ALICE))).toEqual([[5, "Room 7"]]);
  });

  it.each([
    ["own messages, written elsewhere", arrival({ user_id: ALICE })],
    [
      "the user's own joining",
      membership(systemMessage(5, "joined", "Alice", "Alice", [ALICE, ALICE]), ALICE),
    ],
    ["the user's own rooms", arrival(systemMessage(5, "created", "Alice", "Alice", [ALICE, ALICE]))],
    ["others who are added", membership(systemMessage(5, "added", "Bob", "Carol", [BOB, CAROL]), CAROL)],
  ])("does not notify of %s", async (_, frame) => {
    expect(await applied(frame)).toEqual([]);
  });

  it("notifies of nothing when the user has left it meanwhile", async () => {
    list = [];
    expect(await applied(arrival())).toEqual([]);
  });
});

it("a listed room notifies that somebody has added the user again", async () => {
  await applied(arrival());
  const added = systemMessage(6, "added", "Bob", "Alice", [BOB, ALICE]);
  expect(await applied(membership(added, ALICE))).toEqual([
    [5, "Room 7"],
    [6, "Room 7"],
  ]);
});

describe("mentions and levels", () => {
  const [me_, everybody, bob] = [ALICE, null, BOB].map((user_id) => [{ user_id, name: "x" }]);
  const listed = (part: Partial<Conversation> = {}) => {
    list = [conversation(ROOM, part)];
    conversations.value = new Map([[ROOM, conversation(ROOM, part)]]);
  };
  const counts = () => {
    const { unread, mentions } = conversations.peek().get(ROOM) as Conversation;
    return [unread, mentions];
  };

  it("counts unread messages that mention the user, each once", async () => {
    listed();
    await applied(
      arrival({ mentions: me_ }),
      arrival({ mentions: me_ }),
      { type: "mentioned", payload: { room_id: ROOM, id: 5, user_id: BOB, username: "Bob" } },
      { type: "new_message", payload: message(6, { mentions: everybody }) },
      { type: "new_message", payload: message(7, { mentions: bob, user_id: CAROL }) },
      { type: "new_message", payload: message(8, { mentions: everybody, user_id: ALICE }) },
    );
    expect(counts()).toEqual([3, 2]);
  });

  it.each([
    ["all", [5, 6]],
    ["mentions", [6]],
    ["none", []],
  ] as const)("notifies of what the user wants to hear: %s", async (notify, ids) => {
    listed({ notify });
    const second: EventFrame = { type: "new_message", payload: message(6, { mentions: me_ }) };
    expect((await applied(arrival(), second)).map(([id]) => id)).toEqual(ids);
  });

  it("obeys the level of a room that the list lacks", async () => {
    list = [conversation(ROOM, { notify: "none" })];
    expect(await applied(arrival({ mentions: me_ }))).toEqual([]);
  });
});

describe("edits and reactions", () => {
  const edit = (content: string, second: number, id = 5): EventFrame => ({
    type: "message_edited",
    payload: { room_id: ROOM, id, user_id: BOB, content, edited_at: editTime(second) },
  });
  const react = (user_id: number, emoji: string, on = true, id = 5): EventFrame => ({
    type: "reaction",
    payload: { room_id: ROOM, id, user_id, emoji, on },
  });
  const editTime = (second: number) => new Date(Date.UTC(2026, 0, 5, 13, 0, second)).toISOString();
  const editedMessage = (content: string, second: number) =>
    message(5, { content, edited_at: editTime(second) });
  const room = () => roomOf(ROOM);
  const textsOf = (messages: { text: string }[]) => messages.map(({ text }) => text);
  const lastText = () => conversations.peek().get(ROOM)?.last_message?.text;

  /** A room that has the messages, of which the last one is in the list and was announced. */
  function opened(...messages: RoomMessage[]) {
    const last_message = messages.at(-1) ?? null;
    list = [conversation(ROOM, { last_message })];
    conversations.value = new Map([[ROOM, conversation(ROOM, { last_message })]]);
    room().messages.value = messages;
    room().announced.value = messages.slice(-1);
    room().state.value = "ready";
  }

  /** Answers a fetch with messages after events that arrived meanwhile. */
  function pageAfter(events: EventFrame[], ...messages: RoomMessage[]) {
    connection.status.value = "open";
    vi.spyOn(connection, "fetchHistory").mockImplementation(async () => {
      for (const event of events) applyEvent(event);
      return { messages, isCut: false };
    });
  }

  it("replaces the text wherever it is shown", () => {
    opened(message(4), message(5));
    applyEvent(edit("mended", 1));
    expect(textsOf(room().messages.peek())).toEqual(["text 4", "mended"]);
    expect(room().messages.peek()[1]).toMatchObject({ content: "mended", edited_at: editTime(1) });
    expect(textsOf(room().announced.peek())).toEqual(["mended"]);
    expect(lastText()).toBe("mended");
  });

  it("mark the users whom the text mentions by now, and have their mentions counted again", async () => {
    const changed = (mentions: Mention[], before?: (number | null)[]): EventFrame => ({
      type: "mentions_changed",
      payload: { room_id: ROOM, id: 5, user_id: BOB, mentions, before },
    });
    opened(message(5));
    const counted = () => conversations.peek().get(ROOM)?.mentions;
    list = [conversation(ROOM, { last_message: message(5), unread: 1, mentions: 1 })];
    const alice = { user_id: ALICE, name: "Alice" };
    await applied(changed([alice], []));
    expect(counted()).toBe(0); // everything is read
    conversations.value = new Map([[ROOM, conversation(ROOM, { last_message: message(5), unread: 1 })]]);
    await applied(changed([{ user_id: CAROL, name: "Carol" }], [BOB]));
    expect(counted()).toBe(0); // of others
    await applied(changed([alice], [CAROL]));
    expect(room().messages.peek()[0]?.mentions).toEqual([alice]);
    expect(counted()).toBe(1);
    list = [conversation(ROOM, { last_message: message(5), unread: 1 })];
    await applied(changed([alice], [null]));
    expect(counted()).toBe(1); // all were mentioned before
    await applied(changed([]));
    expect(room().messages.peek()[0]?.mentions).toBeUndefined();
    expect(counted()).toBe(0);
  });

  it("changes the list only for its last message", () => {
    opened(message(4), message(5));
    applyEvent(edit("mended", 1, 4));
    expect(textsOf(room().messages.peek())).toEqual(["mended", "text 5"]);
    expect(lastText()).toBe("text 5");
  });

  it("keeps the latest text, in whatever order edits arrive", () => {
    opened(message(5));
    for (const event of [edit("second", 2), edit("first", 1), edit("second", 2)]) applyEvent(event);
    expect(textsOf(room().messages.peek())).toEqual(["second"]);
    expect(lastText()).toBe("second");
  });

  it.each([
    ["an older page", [editedMessage("first", 1)], [edit("second", 2)], "second"],
    ["a page from before the first edit", [message(5)], [edit("first", 1)], "first"],
    ["a newer page", [editedMessage("third", 3)], [edit("second", 2)], "third"],
  ])("merges with %s, once known and at first", async (_, page, events, text) => {
    for (const known of [[message(5)], []]) {
      opened(...known);
      pageAfter(events, ...page);
      await loadNewest(room());
      expect(textsOf(room().messages.peek())).toEqual([text]);
    }
  });

  it("reach messages of an older page on its way", async () => {
    opened(message(9));
    room().hasOlder.value = true;
    pageAfter([edit("mended", 1), react(BOB, "👍")], message(5));
    await loadOlder(room());
    expect(room().messages.peek()[0]).toMatchObject({ text: "mended", reactions: [{ users: [BOB] }] });
  });

  it("survive an older answer of the list, and yield to a newer one", async () => {
    opened(message(5));
    applyEvent(edit("second", 2));
    list = [conversation(ROOM, { last_message: editedMessage("first", 1) })];
    await refreshList();
    expect(lastText()).toBe("second");
    list = [conversation(ROOM, { last_message: editedMessage("third", 3) })];
    await refreshList();
    expect(lastText()).toBe("third");
  });

  it("do not outlive a message that the server has lost", async () => {
    opened(message(5));
    applyEvent(edit("mended", 1));
    applyEvent({ type: "new_message", payload: message(5, { content: "another", resume: "5-2" }) });
    expect(textsOf(room().messages.peek())).toEqual(["another"]);
  });

  it("adds and removes users, each once", () => {
    opened(message(5));
    const reactions = () => room().messages.peek()[0]?.reactions;
    applyEvent(react(BOB, "👍"));
    applyEvent(react(ALICE, "👍"));
    applyEvent(react(ALICE, "👍"));
    applyEvent(react(CAROL, "🎉"));
    expect(reactions()).toEqual([
      { emoji: "👍", users: [BOB, ALICE] },
      { emoji: "🎉", users: [CAROL] },
    ]);
    applyEvent(react(BOB, "👍", false));
    applyEvent(react(BOB, "👍", false));
    applyEvent(react(CAROL, "🎉", false));
    expect(reactions()).toEqual([{ emoji: "👍", users: [ALICE] }]);
    applyEvent(react(ALICE, "👍", false));
    expect(reactions()).toBeUndefined();
  });

  it("takes reactions from pages, with those that arrived meanwhile", async () => {
    opened(message(5, { reactions: [{ emoji: "👎", users: [CAROL] }] }));
    const page = message(5, { reactions: [{ emoji: "👍", users: [BOB, ALICE] }] });
    pageAfter([react(BOB, "👍", false), react(CAROL, "👍")], page);
    await loadNewest(room());
    expect(room().messages.peek()[0]?.reactions).toEqual([{ emoji: "👍", users: [ALICE, CAROL] }]);
  });

  it("replaces all reactions that were missed, with none as well", () => {
    opened(message(5, { reactions: [{ emoji: "👎", users: [CAROL] }] }));
    const replayed = (reactions: { emoji: string; users: number[] }[]): EventFrame => ({
      type: "reactions",
      payload: { room_id: ROOM, id: 5, reactions },
    });
    applyEvent(replayed([{ emoji: "👍", users: [BOB] }]));
    expect(room().messages.peek()[0]?.reactions).toEqual([{ emoji: "👍", users: [BOB] }]);
    applyEvent(replayed([]));
    expect(room().messages.peek()[0]?.reactions).toBeUndefined();
  });

  it("leave rooms alone that do not have the message", () => {
    opened(message(4));
    const before = room().messages.peek();
    applyEvent(edit("mended", 1));
    applyEvent(react(BOB, "👍"));
    expect(room().messages.peek()).toBe(before);
  });
});

describe("changed profiles of others", () => {
  it("are shown in the list, in members and on cards", async () => {
    const bob = { user_id: BOB, username: "Bob", role: "member" as const, avatar: "", status_text: "" };
    const direct = conversation(8, { kind: "direct", is_private: true, user_id: BOB, name: "Bob" });
    conversations.value = new Map([
      [ROOM, conversation(ROOM)],
      [8, direct],
    ]);
    roomOf(ROOM).members.value = [{ ...bob, user_id: CAROL, username: "Carol" }, bob];
    noteCards([{ id: BOB, username: "Bob", avatar: "", status_text: "" }]);
    const users = [
      { user_id: BOB, username: "Robert" },
      { user_id: BOB, avatar: "/b.png", status_text: "away" },
    ];
    await applied({ type: "profiles_changed", payload: { users } });
    expect(conversations.peek().get(8)).toMatchObject({ name: "Robert", avatar: "/b.png" });
    expect(conversations.peek().get(ROOM)?.name).toBe("Room 7");
    const now = { username: "Robert", avatar: "/b.png", status_text: "away" };
    expect(roomOf(ROOM).members.peek()).toMatchObject([{ username: "Carol", avatar: "" }, now]);
    expect(cards.peek().get(BOB)).toEqual({ id: BOB, ...now });
    expect(cards.peek().has(CAROL)).toBe(false);
  });
});
