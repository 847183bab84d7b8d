import { beforeEach, expect, it, vi } from "vitest";
import * as outbox from "./outbox";

const HOUR_MS = 3600_000;
const pending = (clientId: string, part: Partial<outbox.PendingMessage> = {}): outbox.PendingMessage => ({
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
  outbox.closeOutbox();
  outbox.openOutbox(1);
});

it("survives a reload, oldest first, and sends accepted messages without an echo again", () => {
  outbox.add(pending("b", { at: Date.now() + 1 }));
  outbox.add(pending("a"));
  outbox.update("a", { state: "sent" });
  outbox.update("b", { state: "failed", error: "forbidden" });
  outbox.closeOutbox();
  outbox.openOutbox(1);
  expect(outbox.pendingMessages.value.map(({ clientId, state }) => [clientId, state])).toEqual([
    ["a", "sending"],
    ["b", "failed"],
  ]);
});

it("shows a user no entries of another user", () => {
  outbox.add(pending("a"));
  outbox.openOutbox(2);
  expect(outbox.pendingMessages.value).toEqual([]);
});

it("keeps entries that were added before the user was known", () => {
  outbox.closeOutbox();
  outbox.add(pending("early"));
  expect(localStorage.length).toBe(0);
  outbox.openOutbox(3);
  expect(outbox.pendingMessages.value.map((entry) => entry.clientId)).toEqual(["early"]);
  outbox.closeOutbox();
  outbox.openOutbox(3);
  expect(outbox.pendingMessages.value.map((entry) => entry.clientId)).toEqual(["early"]);
});

it("does not resend by itself what the server may have stored and forgotten", () => {
  outbox.add(pending("old", { at: Date.now() - 23.5 * HOUR_MS }));
  outbox.openOutbox(1);
  expect(outbox.pendingMessages.value[0]?.state).toBe("failed");
});

it("retries a reply without its quote as another message", () => {
  outbox.add(pending("reply", { replyTo: 3, state: "failed", error: "invalid", field: "reply_to" }));
  outbox.retryWithoutQuote("reply");
  outbox.closeOutbox();
  outbox.openOutbox(1);
  const [entry, ...others] = outbox.pendingMessages.value;
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ text: "reply", replyTo: null, state: "sending", error: null, field: null });
  expect(entry?.clientId).not.toBe("reply");
});

it("retries under the same id, and under a new one after a day", () => {
  outbox.add(pending("young", { state: "failed" }));
  outbox.retry("young");
  expect(outbox.find("young")?.state).toBe("sending");
  outbox.add(pending("old", { at: Date.now() - 25 * HOUR_MS, state: "failed" }));
  outbox.retry("old");
  expect(outbox.find("old")).toBeUndefined();
  expect(outbox.pendingMessages.value.at(-1)).toMatchObject({
    text: "old",
    state: "sending",
    at: Date.now(),
  });
});

it("retries under a new id if the server has the old one for another message", () => {
  outbox.add(pending("reused", { state: "failed", error: "client_id_reused" }));
  outbox.retry("reused");
  expect(outbox.find("reused")).toBeUndefined();
  expect(outbox.pendingMessages.value).toMatchObject([{ text: "reused", state: "sending", error: null }]);
});

it("drops unreadable entries", () => {
  localStorage.setItem("chinwag.out.1.x", "{");
  outbox.openOutbox(1);
  expect(outbox.pendingMessages.value).toEqual([]);
  expect(localStorage.length).toBe(0);
});
