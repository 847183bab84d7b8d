// Mentions: where a text names the users whom its message mentions, and whom a name that is being typed may mean. The
// server decides whom a message mentions; what may be a name is as in its `domain/mention.rs`.

import { t } from "../i18n";
import type { Member, Mention } from "../net/types";
import { WIDE } from "./wide";

/** Most characters of a name. */
const NAME_MAX_CHARS = 32;
const OF_WORD = /[\p{Alphabetic}\p{N}_]/u;

/** Whether an `@` behind a text is not part of an e-mail address. */
function mayPrecede(before: string): boolean {
  const last = lastChar(before);
  return last === "" || WIDE.test(last) || !(OF_WORD.test(last) || last === "/" || last === "@");
}

/** Whether a name ends where it stands, and is not the beginning of a longer word. */
function endsBefore(name: string, behind: string): boolean {
  const last = lastChar(name);
  const next = String.fromCodePoint(behind.codePointAt(0) ?? 32);
  return WIDE.test(last) || WIDE.test(next) || !OF_WORD.test(last) || !OF_WORD.test(next);
}

const lastChar = (text: string) => [...text.slice(-2)].at(-1) ?? "";

/** A mention in a line, `text` with its `@`. */
export interface FoundMention {
  at: number;
  text: string;
  /** `null` for all members. */
  user: number | null;
}

/** The places of a line that name somebody: at each the longest name. */
export function findMentions(line: string, mentions: Mention[]): FoundMention[] {
  const found: FoundMention[] = [];
  const longestFirst = [...mentions].sort((a, b) => b.name.length - a.name.length);
  // A user whom a text names twice is listed once, perhaps in other case.
  const isAt = (name: string, at: number) =>
    line.slice(at, at + name.length).toLowerCase() === name.toLowerCase() &&
    endsBefore(name, line.slice(at + name.length));
  for (let at = line.indexOf("@"); at >= 0; at = line.indexOf("@", at + 1)) {
    if (!mayPrecede(line.slice(Math.max(0, at - 2), at))) continue;
    const named = longestFirst.find(({ name }) => isAt(name, at + 1));
    if (named) found.push({ at, text: line.slice(at, at + 1 + named.name.length), user: named.user_id });
  }
  return found;
}

/** What is typed behind an `@` before an index of a text, and where the `@` is. */
export interface TypedMention {
  from: number;
  name: string;
}

/** The text before the caret, if it may become a mention. Chinese keyboards may type a wide `＠`. */
export function typedMentionAt(text: string, caret: number): TypedMention | null {
  const start = Math.max(0, caret - 2 * NAME_MAX_CHARS - 1);
  const found = /[@＠]([^@＠\n]*)$/.exec(text.slice(start, caret));
  if (!found) return null;
  const from = start + found.index;
  const name = found[1] ?? "";
  const isName = !/^\s/.test(name) && [...name].length <= NAME_MAX_CHARS;
  return isName && mayPrecede(text.slice(Math.max(0, from - 2), from)) ? { from, name } : null;
}

/** Somebody whom a name may mean; everybody without an id. */
export interface Candidate {
  id: number | null;
  name: string;
  /** Other words by which they are found. */
  also?: string;
}

/** The word that means all members. */
export const EVERYONE = "all";

/**
 * The candidates whose names a typed text begins best, the best first. Of equal ones the earlier come first. None if the
 * text is the name of the only one.
 */
export function rankCandidates(candidates: Candidate[], typed: string, max: number): Candidate[] {
  const wanted = folded(typed);
  const ranked: Candidate[][] = [[], [], []];
  for (const each of candidates) {
    const ranks = [each.name, each.also ?? each.name].map((name) => rankOf(folded(name), wanted));
    ranked[Math.min(...ranks)]?.push(each);
  }
  const found = ranked.flat();
  const isWhole = found.length === 1 && folded(found[0]?.name ?? "") === wanted;
  return isWhole ? [] : found.slice(0, max);
}

const folded = (name: string) => name.normalize("NFKC").toLowerCase();

/** 0 for the beginning of a name, 1 for that of a word inside, 2 for characters of a script without spaces; else 3. */
function rankOf(name: string, wanted: string): number {
  for (let at = name.indexOf(wanted), isFirst = true; at >= 0; at = name.indexOf(wanted, at + 1)) {
    if (at === 0) return 0;
    if (!OF_WORD.test(name[at - 1] ?? "") || name[at - 1] === "_") return 1;
    if (isFirst && WIDE.test(wanted[0] ?? "")) return 2;
    isFirst = false;
  }
  return 3;
}

/** The members whom a user may mention: those who wrote last first, then by name. */
export function candidatesOf(
  members: Pick<Member, "user_id" | "username" | "role">[],
  ownId: number,
  recent: number[],
): Candidate[] {
  const place = new Map(recent.map((id, at) => [id, at]));
  const placeOf = (id: number) => place.get(id) ?? recent.length;
  const byId = new Map(members.map((member) => [member.user_id, member]));
  const own = byId.get(ownId);
  byId.delete(ownId);
  const others = [...byId.values()]
    .sort((a, b) => placeOf(a.user_id) - placeOf(b.user_id) || a.username.localeCompare(b.username))
    .map(({ user_id, username }) => ({ id: user_id, name: username }));
  const mayNameAll = own?.role === "owner" || own?.role === "admin";
  return mayNameAll ? [...others, { id: null, name: EVERYONE, also: t("mention.all") }] : others;
}
