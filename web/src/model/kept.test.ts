import { describe, expect, it } from "vitest";
import type { EventFrame, Message } from "../net/types";
import { conversation, message } from "../testing/fixtures";
import {
  current,
  currentConversation,
  latestConversations,
  newest,
  takesAway,
  withEvent,
  withOpened,
} from "./kept";

const NOW = Date.parse("2026-01-05T13:00:00.000Z");
const DAY_MS = 24 * 3600_000;
const ids = (messages: Message[]) => messages.map(({ id }) => id);
const many = (count: number, part: Partial<Message> = {}) =>
  Array.from({ length: count }, (_, index) => message(index + 1, part));

it("the rooms opened last are kept, each once", () => {
  const opened = [1, 2, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12].reduce<number[]>(withOpened, []);
  expect(opened).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 2]);
});

describe("the messages of a room", () => {
  it("are the newest fifty", () => {
    expect(ids(newest(many(120), NOW))).toEqual(Array.from({ length: 50 }, (_, index) => index + 71));
  });

  it("are bounded in bytes, without a gap", () => {
    const long = "长".repeat(5000);
    const kept = newest(many(50, { content: long, text: long }), NOW);
    expect(kept.length).toBeGreaterThan(5);
    expect(JSON.stringify(kept).length).toBeLessThan(160_000);
    expect(kept.at(-1)?.id).toBe(50);
    expect(ids(kept)).toEqual(Array.from({ length: kept.length }, (_, index) => 51 - kept.length + index));
    const huge = "x".repeat(200_000);
    expect(newest([message(1, { content: huge })], NOW)).toEqual([]);
  });

  it("are those of seven days", () => {
    const old = message(1, { created_at: new Date(NOW - 7 * DAY_MS).toISOString() });
    const young = message(2, { created_at: new Date(NOW - 7 * DAY_MS + 1).toISOString() });
    expect(ids(current([old, young], NOW))).toEqual([2]);
    expect(ids(newest([old, young], NOW))).toEqual([2]);
    // They grow old on the device.
    expect(ids(current(newest([young], NOW), NOW + 1))).toEqual([]);
    expect(currentConversation(conversation(7, { last_message: old }), NOW).last_message).toBeNull();
    expect(currentConversation(conversation(7, { last_message: young }), NOW).last_message).toBe(young);
  });
});

it("the list is bounded in number and bytes", () => {
  const list = Array.from({ length: 800 }, (_, index) => conversation(index + 1));
  expect(latestConversations(list)).toHaveLength(500);
  const long = message(1, { content: "x".repeat(5000) });
  const kept = latestConversations(list.map((each) => ({ ...each, last_message: long })));
  expect(kept.length).toBeGreaterThan(30);
  expect(JSON.stringify(kept).length).toBeLessThan(510_000);
  expect(kept[0]?.id).toBe(1);
});

describe("an event", () => {
  const known = many(3);
  const applied = (frame: EventFrame) => withEvent(known, frame);

  it("adds a message, of which there are never more than fifty", () => {
    expect(ids(applied({ type: "new_message", payload: message(4) }))).toEqual([1, 2, 3, 4]);
    expect(ids(withEvent(many(50), { type: "new_message", payload: message(51) }))).toHaveLength(50);
  });

  it("deletes a message", () => {
    const frame = { type: "message_deleted", payload: { room_id: 7, id: 2, user_id: 2 } } as const;
    expect(ids(applied(frame))).toEqual([1, 3]);
    expect(takesAway(frame)).toBe(true);
  });

  it("edits a message", () => {
    const edited_at = "2026-01-05T12:30:00.000Z";
    const payload = { room_id: 7, id: 2, user_id: 2, content: "other", edited_at };
    const frame: EventFrame = { type: "message_edited", payload };
    expect(applied(frame)[1]).toMatchObject({ content: "other", text: "other", edited_at });
    expect(takesAway(frame)).toBe(true);
  });

  it("of another kind changes nothing", () => {
    const frame: EventFrame = { type: "typing", payload: { room_id: 7, user_id: 2, username: "Bob" } };
    expect(applied(frame)).toBe(known);
    expect(takesAway(frame)).toBe(false);
  });
});
