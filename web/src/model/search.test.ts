import { beforeAll, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { Refused } from "../net/refused";
import { conversation } from "../testing/fixtures";
import * as search from "./search";

beforeAll(() => loadTexts("en"));

const direct = conversation(3, { kind: "direct", is_private: true, user_id: 2, name: "Bob" });
const list = [conversation(1, { room_id: "global" }), conversation(2, { name: "Alpine Club" }), direct];

it("finds conversations by any part of the displayed name", () => {
  const found = (text: string) => search.matchingConversations(list, text).map(({ id }) => id);
  expect(found("PINE")).toEqual([2]);
  expect(found("lob")).toEqual([1]);
  expect(found("ALPÍNE")).toEqual([2]);
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

it("marks all matches regardless of case and width, and cuts a long lead", () => {
  const marked = (text: string, wanted: string) =>
    search
      .splitAtMatches(text, wanted)
      .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
      .join("");
  expect(marked("Hello World, world", "world")).toBe("Hello [World], [world]");
  expect(marked("nothing", "x")).toBe("nothing");
  expect(marked("nothing", " ")).toBe("nothing");
  expect(marked("ＡＢＣ abc", "Bc")).toBe("Ａ[ＢＣ] a[bc]");
  expect(marked("aaaa", "aa")).toBe("[aa][aa]");
  // The letter is longer when it is folded.
  expect(marked("ﬁrst finder", "fi")).toBe("[ﬁ]rst [fi]nder");
  // Marks of letters that many people type without.
  expect(marked("Café, cafe\u0301, CAFE", "cafe")).toBe("[Café], [cafe\u0301], [CAFE]");
  expect(marked("in der Straße", "STRASSE müller")).toBe("in der [Straße]");
  expect(marked("Muller, Müller", "müller")).toBe("[Muller], [Müller]");
  expect(marked("Łódź, smørrebrød, ΟΔΟΣ, Ёлка", "lodz smorre οδοσ елка")).toBe(
    "[Łódź], [smørre]brød, [ΟΔΟΣ], [Ёлка]",
  );
  expect(marked("か が हिन्दी", "か हन")).toBe("[か] が हिन्दी");
  // Each word by itself, the longer one where two begin, and what is quoted as a whole.
  expect(marked("the quick brown fox", "fox  QUICK")).toBe("the [quick] brown [fox]");
  expect(marked("teatime tea", "tea teatime")).toBe("[teatime] [tea]");
  expect(marked("quick brown, brown quick", '"brown quick" the')).toBe("quick brown, [brown quick]");
  expect(marked('5" wide', 'wide 5"')).toBe('[5"] [wide]');
  expect(marked("nothing", '""')).toBe("nothing");
  expect(marked("a 👍🏽 b", "b")).toBe("a 👍🏽 [b]");
  const [before, match, after] = search.splitAtMatches(`${"a".repeat(100)}香山路`, "香山");
  expect([before?.text.length, match?.text, after?.text]).toEqual([25, "香山", "路"]);
});
