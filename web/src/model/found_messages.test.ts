import { beforeEach, expect, it, vi } from "vitest";
import { Refused } from "../net/refused";
import * as net from "../net/search";
import { message } from "../testing/fixtures";
import { FoundMessages } from "./found_messages";

const find = vi.spyOn(net, "findMessages");
const page = (ids: number[], next: string | null, isPartial = false) => ({
  messages: ids.map((id) => message(id)),
  next,
  isPartial,
});
const ids = ({ messages }: FoundMessages) => messages.value.map(({ id }) => id);

beforeEach(() => {
  find.mockReset();
});

it("asks on with the cursor, past pages without messages, until there is no more", async () => {
  find.mockResolvedValueOnce(page([9, 8], "c1"));
  const found = new FoundMessages({ q: "tea" });
  await found.more();
  expect([ids(found), found.state.value]).toEqual([[9, 8], "more"]);
  find.mockResolvedValueOnce(page([], "c2", true)).mockResolvedValueOnce(page([3], null));
  await found.more();
  expect([ids(found), found.state.value, found.isPartial.value]).toEqual([[9, 8, 3], "done", true]);
  expect(find.mock.calls.map(([search, , cursor]) => [search.q, cursor])).toEqual([
    ["tea", null],
    ["tea", "c1"],
    ["tea", "c2"],
  ]);
  await found.more();
  expect(find).toHaveBeenCalledTimes(3);
});

it("can be asked again after a failure, and keeps what it has", async () => {
  const found = new FoundMessages({ has: "file" });
  find.mockResolvedValueOnce(page([5], "c")).mockRejectedValueOnce(new Refused("unavailable"));
  await found.more();
  await found.more();
  expect([ids(found), found.state.value]).toEqual([[5], "failed"]);
  find.mockResolvedValueOnce(page([4], null));
  await found.more();
  expect([ids(found), found.state.value]).toEqual([[5, 4], "done"]);
});

it("takes nothing that arrives after it was stopped", async () => {
  const found = new FoundMessages({ q: "x" });
  let answer = (_: net.FoundPage) => {};
  find.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  const asked = found.more();
  found.stop();
  answer(page([1], null));
  await asked;
  expect(ids(found)).toEqual([]);
});
