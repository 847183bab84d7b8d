import { beforeEach, expect, it, vi } from "vitest";
import { addWaiting, MAX_WAITING, removeWaiting, resetTrays, takeWaiting, waitingIn } from "./tray";

const file = (name: string) => new File(["x"], name, { type: "image/png" });
const names = (room: number) => waitingIn(room).map((picture) => picture.file.name);
let drawn: Set<string>;

beforeEach(() => {
  resetTrays();
  drawn = new Set();
  let count = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => {
    count += 1;
    drawn.add(`blob:${count}`);
    return `blob:${count}`;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void drawn.delete(url));
});

it("keeps pictures per room, in order, until they are taken or removed", () => {
  expect(addWaiting(1, [file("a"), file("b")])).toBe(true);
  expect(addWaiting(1, [file("c")])).toBe(true);
  addWaiting(2, [file("d")]);
  removeWaiting(1, waitingIn(1)[1]?.id ?? "");
  expect([names(1), names(2)]).toEqual([["a", "c"], ["d"]]);
  expect(takeWaiting(1).map(({ name }) => name)).toEqual(["a", "c"]);
  expect([names(1), names(2)]).toEqual([[], ["d"]]);
  expect(drawn.size).toBe(1);
});

it("takes no more than it shows", () => {
  const many = Array.from({ length: MAX_WAITING + 3 }, (_, at) => file(String(at)));
  expect(addWaiting(1, many.slice(0, 4))).toBe(true);
  expect(addWaiting(1, many)).toBe(false);
  expect(names(1)).toHaveLength(MAX_WAITING);
  expect(addWaiting(1, [file("late")])).toBe(false);
});

it("forgets everything with the session, and what was drawn of it", () => {
  addWaiting(1, [file("a")]);
  addWaiting(2, [file("b")]);
  resetTrays();
  expect([names(1), names(2), drawn.size]).toEqual([[], [], 0]);
});
