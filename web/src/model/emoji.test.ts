import { beforeEach, describe, expect, it } from "vitest";
import {
  type EmojiGroup,
  emojiNamed,
  findEmoji,
  loadEmoji,
  namedEmojiAt,
  noteEmoji,
  recentEmoji,
} from "./emoji";

let groups: EmojiGroup[] = [];
beforeEach(async () => {
  groups = await loadEmoji();
});

describe("the table", () => {
  it("has a picture, an English and a Chinese name in every line", () => {
    const all = groups.flatMap(({ emoji }) => emoji);
    expect(all.length).toBeGreaterThan(1500);
    for (const { emoji, english, chinese } of all) {
      expect(emoji).toMatch(/[\p{Extended_Pictographic}\p{Regional_Indicator}]|\u20e3/u);
      expect(english[0]).toMatch(/^[\w+-]+$/);
      expect(chinese[0], emoji).not.toBe("");
    }
    expect(new Set(all.map(({ emoji }) => emoji)).size).toBe(all.length);
  });

  it("has nine groups", () => expect(groups.map(({ name }) => name).join()).toMatch(/^smileys,.*,flags$/));
});

describe("findEmoji", () => {
  const first = (text: string) => findEmoji(groups, text, 6)[0]?.emoji;
  it.each([
    ["tada", "🎉"],
    ["+1", "👍"],
    ["thumbs up", "👍"],
    ["HEART", "❤️"],
    ["小狗", "🐶"],
    ["庆祝", "🎉"],
  ])("finds %s", (text, emoji) => {
    expect(findEmoji(groups, text, 100).map((found) => found.emoji)).toContain(emoji);
  });

  it("prefers whole names, then their beginnings", () => {
    expect(first("smile")).toBe("😄");
    expect(first("dog")).toBe("🐶");
  });

  it.each([[""], [" "], ["zzzz"], ["("], ["\\"]])("finds nothing for %j", (text) => {
    expect(findEmoji(groups, text, 6)).toEqual([]);
  });
});

it("knows the emoji of a whole name", () => {
  expect(emojiNamed(groups, "tada")).toBe("🎉");
  expect(emojiNamed(groups, "tad")).toBeUndefined();
  expect(emojiNamed(groups, "点赞")).toBe("👍");
  expect(emojiNamed(groups, "赞")).toBe("👍");
  expect(emojiNamed(groups, "踩")).toBe("👎");
  // Others have the word too.
  expect(emojiNamed(groups, "哭")).toBe("😢");
  expect(emojiNamed(groups, "constructor")).toBeUndefined();
});

describe("namedEmojiAt", () => {
  it.each([
    [":ta", { from: 0, name: "ta", isClosed: false }],
    ["well :tada:", { from: 5, name: "tada", isClosed: true }],
    ["(:+1", { from: 1, name: "+1", isClosed: false }],
    ["好的:大", { from: 2, name: "大", isClosed: false }],
    ["：大笑：", { from: 0, name: "大笑", isClosed: true }],
    ["a\n:ta", { from: 2, name: "ta", isClosed: false }],
    [`${"x ".repeat(2000)}:ta`, { from: 4000, name: "ta", isClosed: false }],
  ])("finds it: %s", (text, wanted) => expect(namedEmojiAt(text, text.length)).toEqual(wanted));

  it.each([
    ["12:30"],
    ["https://a"],
    ["note:this"],
    ["::ab"],
    [":"],
    [":a"],
    [": ab"],
    ["注意：好的"],
    [":)"],
    ["a:b:c"],
  ])("finds none: %s", (text) => expect(namedEmojiAt(text, text.length)).toBeNull());

  it("ends at the caret", () => expect(namedEmojiAt(":tada more", 3)?.name).toBe("ta"));
});

it("keeps the last emoji, each once", () => {
  noteEmoji("🎉");
  noteEmoji("👍");
  noteEmoji("🎉");
  expect(recentEmoji.value.slice(0, 2)).toEqual(["🎉", "👍"]);
});
