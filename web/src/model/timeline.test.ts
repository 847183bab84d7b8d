import { describe, expect, it } from "vitest";
import { message } from "../testing/fixtures";
import { timeline } from "./timeline";

const OWN = 1;
const at = (minutes: number, day = 5) => new Date(2026, 0, day, 12, minutes).toISOString();

describe("timeline", () => {
  it("groups messages of one sender within five minutes", () => {
    const rows = timeline(
      [
        message(1, { created_at: at(0) }),
        message(2, { created_at: at(5) }),
        message(3, { created_at: at(11) }),
        message(4, { created_at: at(11), user_id: 3 }),
      ],
      [],
      [],
      OWN,
      null,
    );
    expect(rows.map((row) => row.isGroupStart)).toEqual([true, false, true, true]);
    expect(rows.map((row) => row.isGroupEnd)).toEqual([false, true, true, true]);
  });

  it("starts each day with a separator, which ends a group", () => {
    const messages = [
      message(1, { created_at: new Date(2026, 0, 5, 23, 59).toISOString() }),
      message(2, { created_at: new Date(2026, 0, 6, 0, 1).toISOString() }),
    ];
    const rows = timeline(messages, [], [], OWN, null);
    expect(rows.map((row) => [row.startsDay, row.isGroupStart])).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  it("puts one divider above the first new message of others", () => {
    const messages = [message(1), message(2, { user_id: OWN }), message(3), message(4)];
    const dividers = (read: number | null) =>
      timeline(messages, [], [], OWN, read).map((row) => row.hasDivider);
    expect(dividers(1)).toEqual([false, false, true, false]);
    expect(dividers(0)).toEqual([true, false, false, false]);
    expect(dividers(4)).toEqual([false, false, false, false]);
    expect(dividers(null)).toEqual([false, false, false, false]);
  });

  it("does not treat system messages as new", () => {
    const messages = [message(1, { user_id: 0, message_type: "system" }), message(2)];
    const rows = timeline(messages, [], [], OWN, 0);
    expect(rows.map((row) => [row.kind, row.hasDivider])).toEqual([
      ["system", false],
      ["message", true],
    ]);
  });

  it("keeps the key of a pending message once it is stored", () => {
    const base = { clientId: "c1", room: 7, text: "hi", isImage: false, replyTo: null };
    const pending = { ...base, at: Date.parse(at(0)), state: "sending" as const, error: null };
    const before = timeline([], [pending], [], OWN, null);
    const stored = message(9, { user_id: OWN, client_id: "c1" });
    expect(timeline([stored], [], [], OWN, null)[0]?.key).toBe(before[0]?.key);
  });

  it("does not use another user's client id as a key", () => {
    const rows = timeline(
      [message(1, { client_id: "x" }), message(2, { client_id: "x" })],
      [],
      [],
      OWN,
      null,
    );
    expect(new Set(rows.map((row) => row.key)).size).toBe(2);
  });
});
