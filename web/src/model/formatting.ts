// The formatting of messages: code blocks, quotes and lists, with formatted lines inside. Everything is parsed to nodes
// whose texts are parts of what was typed. Nothing here creates markup.

import type { Mention } from "../net/types";
import { type Inline, type Leaf, parseInline } from "./marks";

export type Block =
  | { kind: "lines"; lines: Line[] }
  | { kind: "code"; language: string; lines: Leaf[] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; isOrdered: boolean; items: Item[] };

interface Line {
  at: number;
  parts: Inline[];
}

interface Item {
  /** The number that was typed; `null` in lists without. */
  number: number | null;
  blocks: Block[];
}

/** How deep quotes and lists may be inside of one another. What is deeper stays as it was typed. */
const MAX_DEPTH = 4;

const LANGUAGE = /^[\w+#.-]{0,20}$/;
const FENCE = "```";
const QUOTE = /^>+(?: |$)/;
const ITEM = /^( {0,3})(?:[-*]|(\d{1,3})\.) +(?=\S)/;
/** A line that goes on with the item above. */
const INDENT = /^(?: {2,}|\t)(?=\S)/;

/** What the blocks of a text are parsed with. */
interface Inside {
  depth: number;
  mentions: Mention[];
}

/** Parses the text of a message that mentions somebody. The time grows with its length and nothing else. */
export function parseText(text: string, mentions: Mention[] = []): Block[] {
  const lines: Leaf[] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    lines.push({ text: line, at });
    at += line.length + 1;
  }
  return parseBlocks(lines, { depth: 0, mentions });
}

/** A block, and how many lines it takes. */
type Found = [block: Block, count: number] | null;

function parseBlocks(lines: Leaf[], inside: Inside): Block[] {
  const blocks: Block[] = [];
  const lastFence = lines.findLastIndex(({ text }) => text.trimEnd().endsWith(FENCE));
  let plainFrom = 0;
  const endPlain = (to: number) => {
    const plain = lines.slice(plainFrom, to);
    // Blank lines between blocks only part them.
    if (blocks.length > 0) while (plain[0]?.text.trim() === "") plain.shift();
    if (to < lines.length) while (plain.at(-1)?.text.trim() === "") plain.pop();
    if (plain.length > 0) {
      const parsed = plain.map((line) => ({ at: line.at, parts: parseInline(line, inside.mentions) }));
      blocks.push({ kind: "lines", lines: parsed });
    }
  };
  for (let at = 0; at < lines.length; ) {
    const found =
      findCode(lines, at, lastFence) ?? findQuote(lines, at, inside) ?? findList(lines, at, inside);
    if (!found) {
      at += 1;
      continue;
    }
    endPlain(at);
    blocks.push(found[0]);
    at += found[1];
    plainFrom = at;
  }
  endPlain(lines.length);
  return blocks;
}

/** Three backticks, perhaps with a language or the first line of the code, and a line that ends with three. */
function findCode(lines: Leaf[], from: number, lastFence: number): Found {
  const first = lines[from] as Leaf;
  const indent = first.text.search(/\S/);
  if (from >= lastFence || indent > 3 || !first.text.startsWith(FENCE, indent)) return null;
  const info = cut(first, indent + FENCE.length);
  if (info.text.includes("`")) return null;
  let end = from + 1;
  while (!lines[end]?.text.trimEnd().endsWith(FENCE)) end += 1;
  const language = info.text.trim();
  const code = lines.slice(from + 1, end);
  if (!LANGUAGE.test(language)) code.unshift(info);
  const last = lines[end] as Leaf;
  const rest = last.text.trimEnd().slice(0, -FENCE.length);
  if (rest.trim()) code.push({ text: rest, at: last.at });
  if (code.length === 0) return null;
  return [{ kind: "code", language: LANGUAGE.test(language) ? language : "", lines: code }, end - from + 1];
}

function findQuote(lines: Leaf[], from: number, inside: Inside): Found {
  let end = from;
  while (QUOTE.test(lines[end]?.text ?? "")) end += 1;
  if (end === from || inside.depth >= MAX_DEPTH) return null;
  const inner = lines.slice(from, end).map((line) => cut(line, line.text[1] === " " ? 2 : 1));
  return [{ kind: "quote", blocks: parseBlocks(inner, deeper(inside)) }, end - from];
}

function findList(lines: Leaf[], from: number, inside: Inside): Found {
  if (inside.depth >= MAX_DEPTH) return null;
  const isOrdered = ITEM.exec(lines[from]?.text ?? "")?.[2] !== undefined;
  const items: Item[] = [];
  let at = from;
  for (;;) {
    const line = lines[at];
    const found = line && ITEM.exec(line.text);
    if (!found || (found[2] !== undefined) !== isOrdered) break;
    const width = found[0].length;
    const inner = [cut(line, width)];
    for (at += 1; ; at += 1) {
      const next = lines[at];
      const indent = next && INDENT.exec(next.text)?.[0];
      if (!indent || (ITEM.exec(next.text)?.[1]?.length ?? width) <= (found[1] ?? "").length) break;
      inner.push(cut(next, Math.min(indent.length, width)));
    }
    items.push({ number: isOrdered ? Number(found[2]) : null, blocks: parseBlocks(inner, deeper(inside)) });
  }
  return items.length > 0 ? [{ kind: "list", isOrdered, items }, at - from] : null;
}

const deeper = ({ depth, mentions }: Inside): Inside => ({ depth: depth + 1, mentions });

/** A line without its beginning. */
const cut = ({ text, at }: Leaf, count: number): Leaf => ({ text: text.slice(count), at: at + count });

/** What comes before an index of the text. */
export function cutBlocks(blocks: Block[], end: number): Block[] {
  return blocks.filter((block) => startOf(block) < end).map((block) => cutBlock(block, end));
}

function startOf(block: Block): number {
  if (block.kind === "lines" || block.kind === "code") return block.lines[0]?.at ?? 0;
  const inner = block.kind === "quote" ? block.blocks[0] : block.items[0]?.blocks[0];
  return inner ? startOf(inner) : 0;
}

function cutBlock(block: Block, end: number): Block {
  switch (block.kind) {
    case "lines": {
      const kept = block.lines.filter(({ at }) => at < end);
      return { ...block, lines: kept.map(({ at, parts }) => ({ at, parts: cutParts(parts, end) })) };
    }
    case "code":
      return { ...block, lines: cutParts(block.lines, end) };
    case "quote":
      return { ...block, blocks: cutBlocks(block.blocks, end) };
    case "list": {
      const items = block.items.map((item) => ({ ...item, blocks: cutBlocks(item.blocks, end) }));
      return { ...block, items: items.filter(({ blocks }) => blocks.length > 0) };
    }
  }
}

function cutParts<T extends Inline | Leaf>(parts: T[], end: number): T[] {
  const kept: T[] = [];
  for (const part of parts) {
    if ("parts" in part) {
      const inner = cutParts(part.parts, end);
      if (inner.length > 0) kept.push({ ...part, parts: inner });
    } else if (part.at < end) {
      kept.push({ ...part, text: part.text.slice(0, end - part.at) });
    }
  }
  return kept;
}
