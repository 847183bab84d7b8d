import { signal } from "@preact/signals";
import { beforeEach, expect, it, vi } from "vitest";

const status = signal("closed");
const told: boolean[] = [];
vi.mock("./connection", () => ({
  connection: {
    status,
    command: async ({ payload }: { payload: { on: boolean } }) => void told.push(payload.on),
  },
}));

beforeEach(() => {
  told.length = 0;
  status.value = "closed";
});

it("tells each connection once what has changed", async () => {
  let hasFocus = true;
  vi.spyOn(document, "hasFocus").mockImplementation(() => hasFocus);
  vi.spyOn(document, "hidden", "get").mockReturnValue(false);
  const turn = (to: boolean) => {
    hasFocus = to;
    dispatchEvent(new Event(to ? "focus" : "blur"));
  };
  await import("./focus");
  expect(told).toEqual([]);
  status.value = "open";
  expect(told).toEqual([true]);
  document.dispatchEvent(new Event("visibilitychange"));
  turn(false);
  turn(true);
  expect(told).toEqual([true, false, true]);
  // On a new connection, windows count as out of focus.
  status.value = "waiting";
  turn(false);
  status.value = "open";
  expect(told).toEqual([true, false, true]);
  turn(true);
  expect(told).toEqual([true, false, true, true]);
});
