import { beforeAll, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { api } from "../net/http";
import { Refused } from "../net/refused";
import { conversation, message } from "../testing/fixtures";
import * as search from "./search";

beforeAll(() => loadTexts("en"));

const direct = conversation(3, { kind: "direct", is_private: true, user_id: 2, name: "Bob" });
const list = [conversation(1, { room_id: "global" }), conversation(2, { name: "Alpine Club" }), direct];

it("finds conversations by any part of the displayed name", () => {
  const found = (text: string) => search.matchingConversations(list, text).map(({ id }) => id);
  expect(found("PINE")).toEqual([2]);
  expect(found("lob")).toEqual([1]);
  expect(found("o")).toEqual([1, 3]);
});

it("offers only users without a conversation and rooms to join", () => {
  const users = [
    { id: 1, username: "me" },
    { id: 2, username: "Bob" },
    { id: 3, username: "Bonnie" },
  ];
  expect(search.withoutConversation(users, list, 1).map(({ id }) => id)).toEqual([3]);
  const room = { room_id: "room_x", name: "x", is_private: false };
  const rooms = [
    { ...room, id: 2, kind: "public" as const },
    { ...room, id: 9, kind: "public" as const },
    { ...room, id: 3, kind: "direct" as const },
  ];
  expect(search.unjoined(rooms, list).map(({ id }) => id)).toEqual([9]);
});

it("searches the open room first and skips empty ones", () => {
  const rooms = [...list, conversation(4, { last_message: null })];
  expect(search.searchOrder(rooms, null)).toEqual([1, 2, 3]);
  expect(search.searchOrder(rooms, 3)).toEqual([3, 1, 2]);
  expect(search.searchOrder(rooms, 99)).toEqual([1, 2, 3]);
});

it("returns messages in the order of the rooms and skips rooms that fail", async () => {
  vi.spyOn(api, "findMessages").mockImplementation(async (id) => {
    if (id === 2) throw new Error("no");
    return [{ ...message(id * 10), room_id: id }];
  });
  const found: number[] = [];
  await search.findMessages(
    [3, 2, 1, 5, 6],
    "x",
    () => true,
    (some) => found.push(...some.map(({ id }) => id)),
  );
  expect(found).toEqual([30, 10, 50, 60]);
});

it("waits as long as the server asks before a search that was one too many", async () => {
  vi.useFakeTimers();
  const refusal = new Refused("rate_limited", "slow", { retryAfterMs: 3000 });
  const find = vi.fn<() => Promise<number[]>>().mockRejectedValueOnce(refusal).mockResolvedValue([7]);
  const found = search.patiently(find, () => true);
  await vi.advanceTimersByTimeAsync(2999);
  expect(find).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await found).toEqual([7]);
  const other = vi.fn<() => Promise<number[]>>().mockRejectedValue(new Refused("unavailable"));
  expect(await search.patiently(other, () => true)).toEqual([]);
  expect(await search.patiently(find, () => false)).toEqual([]);
  expect(find).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

it("stops when the results are no longer wanted", async () => {
  const find = vi.spyOn(api, "findMessages").mockResolvedValue([]);
  find.mockClear();
  let isWanted = true;
  const rooms = Array.from({ length: 12 }, (_, at) => at + 1);
  await search.findMessages(
    rooms,
    "x",
    () => isWanted,
    () => {
      isWanted = false;
    },
  );
  expect(find).toHaveBeenCalledTimes(4);
});

it("splits a text at the match and cuts a long lead", () => {
  expect(search.splitAtMatch("Hello World", "world")).toEqual(["Hello ", "World", ""]);
  expect(search.splitAtMatch("nothing", "x")).toEqual(["nothing", "", ""]);
  const [before, match, after] = search.splitAtMatch(`${"a".repeat(100)}香山路`, "香山");
  expect([before.length, match, after]).toEqual([25, "香山", "路"]);
});
