// What events notify of.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation, EventFrame, RoomMessage } from "../net/types";
import { account, conversation, message, systemMessage } from "../testing/fixtures";
import { applyEvent } from "./events";
import { notify } from "./notifications";
import { resetRooms } from "./rooms";
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
