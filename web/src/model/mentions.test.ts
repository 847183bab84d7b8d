import { describe, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import type { Mention } from "../net/types";
import { candidatesOf, findMentions, rankCandidates, typedMentionAt } from "./mentions";

const named = (...names: string[]): Mention[] => names.map((name, at) => ({ user_id: at + 2, name }));

describe("the names in a text", () => {
  it.each([
    ["@bob", ["bob"], ["@bob"]],
    ["hi @bob, and @Bob!", ["bob"], ["@bob", "@Bob"]],
    ["@bob and @bobby", ["bob"], ["@bob"]],
    ["@bob smith", ["bob", "bob smith"], ["@bob smith"]],
    ["你好@张三吃饭", ["张三"], ["@张三"]],
    ["(@bob_x)", ["bob_x"], ["@bob_x"]],
    ["@anna-lee", ["anna"], ["@anna"]],
    ["bob@bob.example https://a.example/@bob @@bob", ["bob"], []],
    ["@eve", ["bob"], []],
    ["@", ["bob"], []],
  ])("are found where they are those of the message: %s", (text, names, found) => {
    expect(findMentions(text, named(...names)).map(({ text }) => text)).toEqual(found);
  });

  it("have the places and users of the mentions", () => {
    const mentions = [...named("bob"), { user_id: null, name: "ALL" }];
    expect(findMentions("@ALL: ask @bob", mentions)).toEqual([
      { at: 0, text: "@ALL", user: null },
      { at: 10, text: "@bob", user: 2 },
    ]);
  });
});

describe("the name that is typed", () => {
  it.each([
    ["@", 0, ""],
    ["hi @bo", 3, "bo"],
    ["hi @bob smi", 3, "bob smi"],
    ["你好@张", 2, "张"],
    ["你好＠张", 2, "张"],
    ["@a (@b", 4, "b"],
  ])("is behind the last sign: %s", (text, from, name) => {
    expect(typedMentionAt(text, text.length)).toEqual({ from, name });
  });

  it.each(["bob@example", "https://a.example/@b", "@@b", "@ b", "@bob\nhi", `@${"x".repeat(33)}`, "none"])(
    "is none in %s",
    (text) => expect(typedMentionAt(text, text.length)).toBeNull(),
  );

  it("ends at the caret", () => {
    expect(typedMentionAt("@bob and more", 3)).toEqual({ from: 0, name: "bo" });
    expect(typedMentionAt("a @bob", 1)).toBeNull();
  });
});

describe("whom a name may mean", () => {
  const people = ["Robert", "bob", "Ann Bobson", "张小波", "x_bo", "Kabob"];
  const candidates = people.map((name, at) => ({ id: at, name }));
  const found = (typed: string) => rankCandidates(candidates, typed, 4).map(({ name }) => name);

  it("is who begins like that, by any word, by any ideograph", () => {
    expect(found("bo")).toEqual(["bob", "Ann Bobson", "x_bo"]);
    expect(found("ＢＯ")).toEqual(["bob", "Ann Bobson", "x_bo"]);
    expect(found("Ann B")).toEqual(["Ann Bobson"]);
    expect(found("波")).toEqual(["张小波"]);
    expect(found("bob hi")).toEqual([]);
    expect(found("robert")).toEqual([]);
    expect(found("")).toEqual(["Robert", "bob", "Ann Bobson", "张小波"]);
  });

  it("is first who wrote last, never the user, and all members for those who may name them", async () => {
    await loadTexts("zh");
    const member = (user_id: number, username: string, role: "owner" | "admin" | "member" = "member") => ({
      user_id,
      username,
      role,
    });
    const members = [member(1, "Me"), member(2, "Zoe"), member(3, "Ann"), member(4, "Bob")];
    const names = (own: number, of = members) => candidatesOf(of, own, [4]).map(({ name }) => name);
    expect(names(1)).toEqual(["Bob", "Ann", "Zoe"]);
    const all = candidatesOf([member(9, "Me", "admin"), member(2, "Zoe")], 9, []);
    expect(all.map(({ name }) => name)).toEqual(["Zoe", "all"]);
    for (const typed of ["al", "所有", "成员", "所有成员"]) {
      expect(rankCandidates(all, typed, 4)).toEqual([all[1]]);
    }
  });
});
