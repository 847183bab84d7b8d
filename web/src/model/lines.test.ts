import { describe, expect, it } from "vitest";
import type { Message } from "../net/types";
import { message } from "../testing/fixtures";
import { type Line, lineIndex, linesOf, settledLines } from "./lines";
import { timeline } from "./timeline";

const OWN = 1;

describe("linesOf", () => {
  const second = (secs: number) => new Date(2026, 0, 5, 12, 0, secs).toISOString();
  const shot = (id: number, more: Partial<Message> = {}) => {
    const url = `https://chat.example/${id}.png`;
    const picture = {
      message_type: "image",
      is_image: true,
      content: url,
      text: url,
      file_url: url,
    } as const;
    return message(id, { ...picture, created_at: second(id), ...more });
  };
  const rowsOf = (messages: Message[]) => timeline(messages, [], [], OWN, null);
  const ids = (lines: Line[]) =>
    lines.map(({ rows }) => rows.map((row) => ("message" in row ? row.message.id : row.key)));
  const grouped = (...messages: Message[]) => ids(linesOf(rowsOf(messages)));

  it("puts pictures of one sender into one line when nothing stands between them", () => {
    expect(grouped(shot(1), shot(2), shot(3))).toEqual([[1, 2, 3]]);
    expect(grouped(shot(1), message(2), shot(3), shot(4))).toEqual([[1], [2], [3, 4]]);
    expect(grouped(shot(1), shot(2, { user_id: 9 }), shot(3))).toEqual([[1], [2], [3]]);
    expect(grouped(message(1), message(2))).toEqual([[1], [2]]);
  });

  it("takes pictures apart that are more than a minute apart", () => {
    const later = shot(2, { created_at: second(61) });
    const latest = shot(3, { created_at: second(122) });
    expect(grouped(shot(1), later, latest)).toEqual([[1, 2], [3]]);
  });

  it("ends a line with a caption, and leaves answers and copies alone", () => {
    expect(grouped(shot(1), shot(2, { text: "what we saw" }), shot(3))).toEqual([[1, 2], [3]]);
    expect(grouped(shot(1, { text: "first" }), shot(2))).toEqual([[1], [2]]);
    expect(grouped(shot(1), shot(2, { reply_to: 1 }), shot(3))).toEqual([[1], [2], [3]]);
    const origin = { id: 1, room_id: 2, user_id: 3, username: "Kim", created_at: second(0) };
    expect(grouped(shot(1), shot(2, { forwarded_from: origin }), shot(3))).toEqual([[1], [2], [3]]);
  });

  it("draws what has no address as text, in a line of its own", () => {
    expect(grouped(shot(1), shot(2, { file_url: null, content: "no address" }))).toEqual([[1], [2]]);
  });

  it("puts the line above new messages above a line", () => {
    const rows = timeline([shot(1), shot(2), shot(3)], [], [], OWN, 1);
    expect(ids(linesOf(rows))).toEqual([[1], [2, 3]]);
  });

  it("has at most nine pictures in a line", () => {
    const many = Array.from({ length: 20 }, (_, at) => shot(at + 1));
    expect(grouped(...many).map((line) => line.length)).toEqual([9, 9, 2]);
  });

  it("keeps the pictures of an upload together, whatever is stored of them", () => {
    const base = { room: 7, batch: "", replyTo: null, error: null, at: Date.parse(second(3)) };
    const file = { name: "p.png", size: 1, isImage: true, preview: "blob:", progress: 0 };
    const upload = (clientId: string, caption: string) => ({ ...base, ...file, clientId, caption });
    const pending = { ...base, clientId: "b", text: "", isImage: true, fileUrl: "/uploads/b.png" };
    const state = "sending" as const;
    const stored = shot(1, { user_id: OWN, client_id: "a" });
    const rows = timeline([stored], [{ ...pending, state }], [upload("c", "what we saw")], OWN, null);
    expect(ids(linesOf(rows))).toEqual([[1, "b", "c"]]);
  });

  it("keeps the key of a line whose first picture changes", () => {
    const before = linesOf(rowsOf([shot(1), shot(2), shot(3)]));
    expect(linesOf(rowsOf([shot(2), shot(3), shot(4)]), before).map(({ key }) => key)).toEqual(["1"]);
    // A text in the middle makes two lines of one, whose keys differ.
    const split = linesOf(rowsOf([shot(1), shot(2, { message_type: "text" }), shot(3)]), before);
    expect(split.map(({ key }) => key)).toEqual(["1", "2", "3"]);
  });

  it("leaves out what older messages may change", () => {
    const many = Array.from({ length: 11 }, (_, at) => shot(at + 1));
    const lines = (messages: Message[]) => ids(settledLines(linesOf(rowsOf(messages))));
    expect(lines([...many, message(12)])).toEqual([[12]]);
    expect(lines([message(1), message(2)])).toEqual([[2]]);
    // There would be nothing else.
    expect(lines([shot(1), shot(2)])).toEqual([[1, 2]]);
  });

  it("finds the line of a message", () => {
    const lines = linesOf(rowsOf([message(1), shot(2), shot(3), message(4)]));
    expect([1, 2, 3, 4, 5].map((id) => lineIndex(lines, id))).toEqual([0, 1, 1, 2, -1]);
  });
});
