// The formatting inside a line: `code`, **bold**, *italic*, _italic_, ~~strike~~, addresses, and mentions.

import type { Mention } from "../net/types";
import { splitLinks } from "./links";
import { findMentions } from "./mentions";
import { WIDE } from "./wide";

/** A part of a text as it was typed, and the index where it begins. */
export interface Leaf {
  text: string;
  at: number;
}

type LinkPart = { kind: "link"; href: string; host?: string } & Leaf;
type MentionPart = { kind: "mention"; user: number | null } & Leaf;
type LeafPart = LinkPart | MentionPart | ({ kind: "text" | "code" } & Leaf);
export type Inline = LeafPart | { kind: "bold" | "italic" | "strike"; parts: Inline[] };

/** A run of one character that may open or close something. */
interface Run extends Leaf {
  kind: "run";
  before: string;
  behind: string;
}

const KINDS = { "*": "italic", "**": "bold", _: "italic", "~~": "strike" } as const;
type Mark = keyof typeof KINDS;
/** Longer runs of backticks are no marks. */
const MAX_TICKS = 3;

/** What may stand outside of an opening and of a closing mark, apart from the end of the line. */
const OUTSIDE_OPENER = /^$|[\s([{"':,;!?.|*_~]|\ufe0f|[^\p{ASCII}\p{L}\p{M}\p{N}]/u;
const OUTSIDE_CLOSER = /^$|[\s)\]}"':,;!?.|*_~]|[^\p{ASCII}\p{L}\p{M}\p{N}]/u;
/** What may not stand inside of them. */
const INSIDE_OPENER = /^$|[\s)\]},;:]/;
const INSIDE_CLOSER = /^$|[\s([{]/;
/** What there is between them, so that faces such as `*_*` have none. */
const WORD = /[\p{L}\p{N}\p{S}\p{Extended_Pictographic}]/u;

/**
 * Parses a line. What is no formatting stays as it was typed. Marks stand where words begin and end, so that `2*3*4` and
 * `snake_case` have none. Each is open at most once, which bounds the nesting: the time grows with the length of the line
 * and nothing else.
 */
export function parseInline(line: Leaf, mentions: Mention[]): Inline[] {
  const parts: Inline[] = [];
  /** The marks that may turn out to open something. Until then each is a part of its own. */
  const openers: { mark: Mark; part: number }[] = [];
  for (const token of tokensOf(line, mentions)) {
    if (token.kind !== "run") {
      parts.push(token);
      continue;
    }
    let rest = token.text;
    if (canClose(token)) {
      for (let index = openers.length - 1; index >= 0; index -= 1) {
        const { mark, part } = openers[index] as (typeof openers)[number];
        // Three close both, the inner one first.
        if (rest !== mark && !(rest === "***" && mark[0] === "*")) continue;
        // Openers inside are none.
        openers.length = index;
        if (!parts.slice(part).some((inner) => inner.kind !== "text" || WORD.test(inner.text))) continue;
        const inner = parts.splice(part).slice(1);
        parts.push({ kind: KINDS[mark], parts: merged(inner) });
        rest = rest.slice(mark.length);
      }
    }
    let at = token.at + token.text.length - rest.length;
    for (const mark of marksOf(rest)) {
      if (canOpen(token)) {
        const before = openers.findIndex((opener) => opener.mark === mark);
        if (before >= 0) openers.splice(before, 1);
        openers.push({ mark: mark as Mark, part: parts.length });
      }
      parts.push({ kind: "text", text: mark, at });
      at += mark.length;
    }
  }
  return merged(parts);
}

/** The marks of a run. */
function marksOf(run: string): string[] {
  if (run === "***") return ["**", "*"];
  return run ? [run] : [];
}

function canOpen({ text, before, behind }: Run): boolean {
  if (INSIDE_OPENER.test(behind)) return false;
  if (OUTSIDE_OPENER.test(before)) return true;
  // Of scripts without spaces a mark may touch letters from either side. Chinese has tildes at the ends of sentences, and names of variables have underscores.
  return text[0] === "*" && (WIDE.test(before) || WIDE.test(behind));
}

function canClose({ text, before, behind }: Run): boolean {
  if (INSIDE_CLOSER.test(before)) return false;
  if (OUTSIDE_CLOSER.test(behind)) return true;
  return text !== "_" && (WIDE.test(before) || WIDE.test(behind));
}

/** Joins texts that follow one another. */
function merged(parts: Inline[]): Inline[] {
  const joined: Inline[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind === "text" && last?.kind === "text") last.text += part.text;
    else joined.push(part.kind === "text" ? { ...part } : part);
  }
  return joined;
}

/** Splits a line into texts, addresses, mentions, code and runs of marks. */
function tokensOf({ text: line, at: start }: Leaf, mentions: Mention[]): (LeafPart | Run)[] {
  const tokens: (LeafPart | Run)[] = [];
  const links = [...linksIn(line), ...mentionsIn(line, mentions)].sort((a, b) => a.at - b.at);
  const marks = /`+|\*+|_+|~+/g;
  /** Lengths of runs of backticks that nothing closes. */
  const unclosed = new Set<number>();
  let at = 0;
  const add = <T extends LeafPart | Run>(token: T) => {
    if (token.at > at) tokens.push({ kind: "text", text: line.slice(at, token.at), at: start + at });
    if (token.text) tokens.push({ ...token, at: start + token.at });
    at = token.at + token.text.length;
  };
  const addLinks = (end: number) => {
    while (links[0] && links[0].at < end) {
      const link = links.shift() as LinkPart | MentionPart;
      // One inside of code is a part of it, and a mention inside of an address.
      if (link.at >= at) add(link);
    }
  };
  for (let found = marks.exec(line); found; found = marks.exec(line)) {
    const run = found[0];
    addLinks(found.index + 1);
    if (found.index < at) {
      marks.lastIndex = at;
      continue;
    }
    const inside = found.index + run.length;
    if (run[0] !== "`") {
      const isMark = run in KINDS || run === "***";
      const before = line[found.index - 1] ?? "";
      if (isMark) add({ kind: "run", text: run, at: found.index, before, behind: line[inside] ?? "" });
      continue;
    }
    const end = run.length > MAX_TICKS || unclosed.has(run.length) ? -1 : closingTicks(line, inside, run);
    if (end < 0) unclosed.add(run.length);
    if (end <= inside) continue;
    add({ kind: "text", text: "", at: found.index });
    // One space parts the marks from backticks inside.
    const padding = run.length > 1 && /^ .* $/.test(line.slice(inside, end)) ? 1 : 0;
    at = inside + padding;
    add({ kind: "code", text: line.slice(at, end - padding), at });
    at = end + run.length;
    marks.lastIndex = at;
  }
  addLinks(line.length);
  add({ kind: "text", text: "", at: line.length });
  return tokens;
}

function linksIn(line: string): LinkPart[] {
  const links: LinkPart[] = [];
  let at = 0;
  for (const { text, href, host } of splitLinks(line)) {
    if (href !== null) links.push({ kind: "link", text, href, host, at });
    at += text.length;
  }
  return links;
}

function mentionsIn(line: string, mentions: Mention[]): MentionPart[] {
  if (mentions.length === 0) return [];
  return findMentions(line, mentions).map((found) => ({ kind: "mention", ...found }));
}

/** The index of the next run of exactly these backticks, -1 if there is none. */
function closingTicks(line: string, from: number, run: string): number {
  for (let at = line.indexOf(run, from); at >= 0; ) {
    let end = at + run.length;
    while (line[end] === "`") end += 1;
    if (end - at === run.length) return at;
    at = line.indexOf(run, end);
  }
  return -1;
}
