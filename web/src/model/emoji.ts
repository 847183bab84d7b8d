// Emoji and their names in English and Chinese. The table is loaded when it is first needed.

import { signal } from "@preact/signals";
import { lang } from "../settings/preferences";
import { storage } from "../settings/storage";

export type GroupName =
  | "smileys"
  | "people"
  | "nature"
  | "food"
  | "travel"
  | "activities"
  | "objects"
  | "symbols"
  | "flags";

export interface Emoji {
  emoji: string;
  english: string[];
  chinese: string[];
}

export interface EmojiGroup {
  name: GroupName;
  emoji: Emoji[];
}

let loading: Promise<EmojiGroup[]> | null = null;

export function loadEmoji(): Promise<EmojiGroup[]> {
  loading ??= import("./emoji.txt?raw").then(({ default: table }) => parseTable(table));
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

export function parseTable(table: string): EmojiGroup[] {
  const groups: EmojiGroup[] = [];
  for (const line of table.split("\n")) {
    const [emoji = "", english, chinese] = line.split("\t");
    if (line.startsWith("# ")) groups.push({ name: line.slice(2) as GroupName, emoji: [] });
    else if (english !== undefined && chinese !== undefined)
      groups.at(-1)?.emoji.push({ emoji, english: english.split(" "), chinese: chinese.split(" ") });
  }
  return groups;
}

/** What an emoji is called in the language of the page. */
export function emojiName({ english, chinese }: Emoji): string {
  const name = lang.value === "zh" ? chinese[0] : english.at(-1);
  return (name || english[0] || "").replaceAll("_", " ");
}

/** The emoji with a name that a text begins best, the best first. */
export function findEmoji(groups: EmojiGroup[], text: string, max: number): Emoji[] {
  const wanted = text.trim().toLowerCase().replaceAll(" ", "_");
  if (!wanted) return [];
  const ranked: Emoji[][] = [[], [], [], []];
  for (const { emoji } of groups) {
    for (const each of emoji) ranked[rankOf(each, wanted)]?.push(each);
  }
  return ranked.flat().slice(0, max);
}

/** 0 for a name, 1 for the beginning of one, 2 for that of a word inside, 3 for another part; 4 for none of these. */
function rankOf({ emoji, english, chinese }: Emoji, wanted: string): number {
  let rank = emoji === wanted ? 0 : 4;
  for (const name of [...english, ...chinese]) {
    const at = name.indexOf(wanted);
    if (name === wanted) return 0;
    if (at === 0) rank = Math.min(rank, 1);
    else if (at > 0) rank = Math.min(rank, name[at - 1] === "_" ? 2 : 3);
  }
  return rank;
}

/** The emoji that has exactly this name, if possible as its first one: several share a word like 笑. */
export function emojiNamed(groups: EmojiGroup[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  const all = groups.flatMap(({ emoji }) => emoji);
  const isIn = (names: string[]) => names.includes(wanted);
  const found =
    all.find(({ english, chinese }) => isIn(english) || chinese[0] === wanted) ??
    all.find(({ chinese }) => isIn(chinese));
  return found?.emoji;
}

/** What a user begins to write as `:name` before an index of a text, and where it begins. */
export interface NamedEmoji {
  from: number;
  name: string;
  /** Whether the colon behind it is there too. */
  isClosed: boolean;
}

/** Behind a letter or a digit a colon is that of an address or a time. Chinese sentences have the wide one. */
const NAMED = /(?:(?<![\w:/]):|(?<=^|\s)：)([\p{L}\p{N}_+-]{1,40})([:：]?)$/u;

export function namedEmojiAt(text: string, caret: number): NamedEmoji | null {
  const line = text.slice(Math.max(0, caret - 50), caret);
  const found = NAMED.exec(line);
  const name = found?.[1] ?? "";
  // One letter is too little to find something by.
  if (!found || (/^[\w+-]$/.test(name) && !found[2])) return null;
  return { from: caret - line.length + found.index, name, isClosed: found[2] !== "" };
}

const KEY = "emoji";
const MAX_RECENT = 18;

/** The emoji that were picked last. */
export const recentEmoji = signal<string[]>(readRecent());

function readRecent(): string[] {
  return (storage.get(KEY) ?? "").split(" ").filter(Boolean).slice(0, MAX_RECENT);
}

export function noteEmoji(emoji: string): void {
  recentEmoji.value = [emoji, ...recentEmoji.peek().filter((each) => each !== emoji)].slice(0, MAX_RECENT);
  storage.set(KEY, recentEmoji.peek().join(" "));
}
