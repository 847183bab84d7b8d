import { expect, it } from "vitest";
import { MAX_ZOOM, middle, sideOf, within } from "./portrait";

const wide = { width: 400, height: 200 };

it("begins with the largest square in the middle", () => {
  const crop = middle(wide);
  expect(crop).toEqual({ x: 200, y: 100, zoom: 1 });
  expect(sideOf(crop, wide)).toBe(200);
  expect(within(crop, wide)).toEqual(crop);
});

it("stays within the picture", () => {
  expect(within({ x: -50, y: 500, zoom: 1 }, wide)).toEqual({ x: 100, y: 100, zoom: 1 });
  expect(within({ x: 390, y: 10, zoom: 2 }, wide)).toEqual({ x: 350, y: 50, zoom: 2 });
  // A part that grows again at the edge moves inwards.
  expect(within({ x: 390, y: 10, zoom: 0.5 }, wide)).toEqual({ x: 300, y: 100, zoom: 1 });
  expect(within({ x: 200, y: 100, zoom: 99 }, wide).zoom).toBe(MAX_ZOOM);
});
