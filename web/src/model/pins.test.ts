// The pins of the open room follow the server's list and its events.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { EventFrame, RoomMessage } from "../net/types";
import { account, conversation, message } from "../testing/fixtures";
import { connection } from "./connection";
import { applyEvent } from "./events";
import { canPin, isPinned, pinsOf } from "./pins";
import { activeRoomId, conversations, resetRooms, roomOf } from "./rooms";
import { me } from "./session";

const ROOM = 7;
const [ALICE, BOB] = [1, 2];
/** What the server lists, and the answers that wait for `answer`. */
let list: RoomMessage[];
let requests: ((response: Response) => void)[];

beforeEach(() => {
  vi.useRealTimers();
  requests = [];
  list = [];
  vi.stubGlobal("fetch", () => new Promise<Response>((resolve) => requests.push(resolve)));
  connection.status.value = "closed";
  resetRooms();
  me.value = account(ALICE, "Alice");
  conversations.value = new Map([[ROOM, conversation(ROOM)]]);
});

const pinned = (on: boolean, id: number): EventFrame => ({
  type: "pinned",
  payload: { room_id: ROOM, id, user_id: BOB, on },
});
const ids = () => pinsOf(roomOf(ROOM)).value.map(({ id }) => id);

/** Answers the oldest request with the present list. */
async function answer(): Promise<void> {
  await vi.waitFor(() => expect(requests).not.toHaveLength(0));
  requests.shift()?.(new Response(JSON.stringify(list)));
  await new Promise((resolve) => setTimeout(resolve));
}

/** Waits until the pins are known. */
const expectIds = (...wanted: number[]) => vi.waitFor(() => expect(ids()).toEqual(wanted));

async function open(...pins: RoomMessage[]): Promise<void> {
  list = pins;
  roomOf(ROOM).state.value = "ready";
  connection.status.value = "open";
  activeRoomId.value = ROOM;
  await answer();
  await expectIds(...pins.map(({ id }) => id));
}

describe("the pins of the open room", () => {
  it("are read when it is opened, and again after a disconnection", async () => {
    await open(message(5), message(3));
    connection.status.value = "waiting";
    list = [message(8)];
    connection.status.value = "open";
    await answer();
    await expectIds(8);
  });

  it("change at once with an event, and then are as the server tells", async () => {
    await open(message(5));
    roomOf(ROOM).messages.value = [message(6)];
    applyEvent(pinned(true, 6));
    expect(ids()).toEqual([6, 5]);
    applyEvent(pinned(false, 5));
    expect(ids()).toEqual([6]);
    // One that is not loaded.
    applyEvent(pinned(true, 2));
    expect(ids()).toEqual([6]);
    list = [message(6), message(2)];
    await answer();
    await answer();
    await expectIds(6, 2);
    expect(isPinned(roomOf(ROOM), 2)).toBe(true);
    expect(requests).toHaveLength(0);
  });

  it("do not come back with an answer that was on its way", async () => {
    await open(message(5), message(3));
    applyEvent(pinned(false, 5));
    // The first answer was read before the message was deleted.
    applyEvent({ type: "message_deleted", payload: { room_id: ROOM, id: 3, user_id: BOB } });
    await answer();
    expect(ids()).toEqual([]);
    list = [];
    await answer();
    expect(ids()).toEqual([]);
  });

  it("show edits, and lose what is deleted", async () => {
    await open(message(5), message(3));
    const edited_at = new Date(Date.UTC(2026, 0, 6)).toISOString();
    const edit = { room_id: ROOM, id: 3, user_id: BOB, content: "better", edited_at };
    applyEvent({ type: "message_edited", payload: edit });
    expect(pinsOf(roomOf(ROOM)).value[1]?.text).toBe("better");
    applyEvent({ type: "message_deleted", payload: { room_id: ROOM, id: 5, user_id: BOB } });
    expect(ids()).toEqual([3]);
  });

  it("ignore other rooms, which are read when they are opened", async () => {
    await open(message(5));
    applyEvent({ type: "pinned", payload: { room_id: 8, id: 5, user_id: BOB, on: false } });
    expect(ids()).toEqual([5]);
    expect(requests).toHaveLength(0);
  });
});

describe("pinning", () => {
  const member = (role: "owner" | "admin" | "member") => {
    const [user_id, username] = [ALICE, "Alice"];
    roomOf(ROOM).members.value = [{ user_id, username, role, avatar: "", status_text: "" }];
    return canPin(roomOf(ROOM));
  };

  it("is up to the owner and admins of a room", () => {
    expect(canPin(roomOf(ROOM))).toBe(false);
    expect([member("owner"), member("admin"), member("member")]).toEqual([true, true, false]);
  });

  it("is up to both users of a direct room", () => {
    conversations.value = new Map([[ROOM, conversation(ROOM, { kind: "direct" })]]);
    expect(canPin(roomOf(ROOM))).toBe(true);
  });
});
