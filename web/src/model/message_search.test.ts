import { beforeEach, expect, it, vi } from "vitest";
import * as net from "../net/search";
import { message } from "../testing/fixtures";
import { begin, filters, find, found, NO_FILTERS, searchOf, setFilters } from "./message_search";
import { startSession } from "./session";

const ask = vi.spyOn(net, "findMessages");

beforeEach(() => {
  ask.mockReset().mockResolvedValue({ messages: [message(1)], next: null, isPartial: false });
  begin({});
});

it("asks for what was chosen, and for nothing while that would be everything", () => {
  expect(searchOf(NO_FILTERS)).toBeNull();
  expect(searchOf({ ...NO_FILTERS, room: 3, before: "2026-01-05" })).toBeNull();
  expect(searchOf({ ...NO_FILTERS, text: " tea " })).toEqual({ q: "tea" });
  const from = { id: 2, username: "Bob" };
  const all = { text: "tea", from, room: 3, has: "file", before: "2026-01-05" } as const;
  const before = new Date(2026, 0, 5).toISOString();
  expect(searchOf(all)).toEqual({ q: "tea", from: 2, room_id: 3, has: "file", before });
  expect(searchOf({ ...NO_FILTERS, has: "link", before: "soon" })).toEqual({ has: "link" });
});

it("asks once for the same, and keeps what was found", () => {
  setFilters({ text: "tea" });
  find();
  const first = found.value;
  setFilters({ text: "tea " });
  find();
  expect(found.value).toBe(first);
  expect(ask).toHaveBeenCalledTimes(1);
  setFilters({ has: "picture" });
  find();
  expect(found.value).not.toBe(first);
});

it("keeps the query over a reload, for the same session only", async () => {
  const again = async () => {
    vi.resetModules();
    return (await import("./message_search")).filters.value;
  };
  startSession("header.payload.signature-of-bob");
  await Promise.resolve();
  const query = { text: "tea", from: { id: 2, username: "Bob" }, room: 3, has: "file", before: "2026-01-05" };
  setFilters(query as Partial<typeof NO_FILTERS>);
  expect(await again()).toEqual(query);
  // The page of somebody else has begun in the same tab.
  localStorage.setItem("token", "header.payload.signature-of-carol");
  expect(await again()).toEqual(NO_FILTERS);
});

it("forgets everything with the session", async () => {
  begin({ text: "secret" });
  expect(found.value).not.toBeNull();
  startSession("another");
  await Promise.resolve();
  expect([found.value, filters.value]).toEqual([null, NO_FILTERS]);
});
