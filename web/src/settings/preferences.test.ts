import { expect, it } from "vitest";
import { addPictureHost, pictureHosts } from "./preferences";

it("remembers the latest hosts whose pictures are loaded, each once", () => {
  for (let n = 0; n < 250; n += 1) addPictureHost(`${n}.example`);
  addPictureHost("249.example");
  expect(pictureHosts.value.size).toBeLessThanOrEqual(200);
  expect(pictureHosts.value.has("249.example")).toBe(true);
  expect(pictureHosts.value.has("0.example")).toBe(false);
  const kept = localStorage.getItem("chinwag.pictureHosts")?.split(" ") ?? [];
  expect(new Set(kept)).toEqual(pictureHosts.value);
});
