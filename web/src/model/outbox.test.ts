import { beforeEach, expect, it, vi } from "vitest";
import * as out from "./outbox";

const HOUR_MS = 3600_000;
const pending = (clientId: string, part: Partial<out.Pending> = {}): out.Pending => ({
  clientId,
  room: 7,
  text: clientId,
  isImage: false,
  replyTo: null,
  at: Date.now(),
  state: "sending",
  error: null,
  ...part,
});

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-01-05T12:00:00Z") });
  localStorage.clear();
  out.closeOutbox();
  out.openOutbox(1);
});

it("is there again after a reload, oldest first; what was under way is sent again", () => {
  out.put(pending("b", { at: Date.now() + 1 }));
  out.put(pending("a"));
  out.change("a", { state: "sent" });
  out.change("b", { state: "failed", error: "no" });
  out.closeOutbox();
  out.openOutbox(1);
  expect(out.outbox.value.map((it) => [it.clientId, it.state])).toEqual([
    ["a", "sending"],
    ["b", "failed"],
  ]);
});

it("belongs to its user", () => {
  out.put(pending("a"));
  out.openOutbox(2);
  expect(out.outbox.value).toEqual([]);
});

it("keeps what was put there before it was known whose it is", () => {
  out.closeOutbox();
  out.put(pending("early"));
  expect(localStorage.length).toBe(0);
  out.openOutbox(3);
  expect(out.outbox.value.map((it) => it.clientId)).toEqual(["early"]);
  out.closeOutbox();
  out.openOutbox(3);
  expect(out.outbox.value.map((it) => it.clientId)).toEqual(["early"]);
});

it("does not send by itself what the server may no longer know as sent", () => {
  out.put(pending("old", { at: Date.now() - 23.5 * HOUR_MS }));
  out.openOutbox(1);
  expect(out.outbox.value[0]?.state).toBe("failed");
});

it("tries again under the same id, after a day under a new one", () => {
  out.put(pending("young", { state: "failed" }));
  out.retry("young");
  expect(out.find("young")?.state).toBe("sending");
  out.put(pending("old", { at: Date.now() - 25 * HOUR_MS, state: "failed" }));
  out.retry("old");
  expect(out.find("old")).toBeUndefined();
  expect(out.outbox.value.at(-1)).toMatchObject({ text: "old", state: "sending", at: Date.now() });
});

it("forgets what cannot be read", () => {
  localStorage.setItem("chinwag.out.1.x", "{");
  out.openOutbox(1);
  expect(out.outbox.value).toEqual([]);
  expect(localStorage.length).toBe(0);
});

it("makes ids that differ", () => {
  const ids = new Set(Array.from({ length: 100 }, out.newClientId));
  expect(ids.size).toBe(100);
});
