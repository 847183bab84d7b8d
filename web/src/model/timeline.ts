// How messages become rows: grouping, day separators, the line above what is new. Pure.

import type { Message } from "../net/types";
import type { Pending } from "./outbox";
import type { Uploading } from "./uploads";

/** Messages of one sender within this time stand together. */
const GROUP_MS = 5 * 60_000;

export type Row = {
  key: string;
  at: number;
  /** Shown above: another day begins here. */
  day: boolean;
  /** Shown above: what is new begins here. */
  divider: boolean;
  /** The first of its group, which shows sender and picture. */
  isHead: boolean;
} & (
  | { kind: "message"; message: Message }
  | { kind: "system"; message: Message }
  | { kind: "pending"; pending: Pending }
  | { kind: "upload"; upload: Uploading }
);

export function dayOf(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

export function timeline(
  messages: Message[],
  pending: Pending[],
  uploads: Uploading[],
  own: number,
  divider: number | null,
): Row[] {
  const rows: Row[] = [];
  let last = null as { at: number; user: number; day: string } | null;
  const add = (
    user: number,
    at: number,
    isDivider: boolean,
    make: (base: Omit<Row, "kind">) => Row,
    key: string,
  ) => {
    const day = dayOf(at);
    const isNewDay = last?.day !== day;
    const isHead = isNewDay || isDivider || last?.user !== user || at - last.at > GROUP_MS;
    rows.push(make({ key, at, day: isNewDay, divider: isDivider, isHead } as Omit<Row, "kind">));
    last = { at, user, day };
  };
  let hasDivider = false;
  for (const message of messages) {
    const isDivider: boolean =
      !hasDivider && divider !== null && message.id > divider && message.user_id !== own;
    hasDivider ||= isDivider;
    const isSystem = message.user_id === 0;
    const key = message.user_id === own && message.client_id ? message.client_id : String(message.id);
    const make = (base: Omit<Row, "kind">) =>
      ({ ...base, kind: isSystem ? "system" : "message", message }) as Row;
    add(message.user_id, Date.parse(message.created_at), isDivider, make, key);
  }
  for (const entry of pending) {
    add(
      own,
      entry.at,
      false,
      (base) => ({ ...base, kind: "pending", pending: entry }) as Row,
      entry.clientId,
    );
  }
  for (const upload of uploads) {
    add(own, upload.at, false, (base) => ({ ...base, kind: "upload", upload }) as Row, upload.clientId);
  }
  return rows;
}

/** Joins what is known with what came, in order, each once. */
export function merge(known: Message[], came: Message[], deleted: ReadonlySet<number>): Message[] {
  const last = known[known.length - 1];
  const only = came.length === 1 ? came[0] : undefined;
  // The usual case: one more at the end.
  if (only && (!last || only.id > last.id)) return deleted.has(only.id) ? known : [...known, only];
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of came) if (!deleted.has(message.id)) byId.set(message.id, message);
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/** Drops what a fresh newest page no longer has, although it covers its place. */
export function reconcile(known: Message[], page: Message[], isWhole: boolean): Message[] {
  const first = page[0];
  const last = page[page.length - 1];
  if (!first || !last) return [];
  const ids = new Set(page.map((message) => message.id));
  return known.filter((message) => {
    const isCovered = message.id <= last.id && (isWhole || message.id >= first.id);
    return ids.has(message.id) || !isCovered;
  });
}

/** Text as plain pieces and addresses. */
export function pieces(text: string): { text: string; href: string | null }[] {
  const found: { text: string; href: string | null }[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'，。；！？、）】》]+/gi)) {
    const address = match[0].replace(/[.,;:!?)\]}]+$/, "");
    const href = httpUrl(address);
    if (!href) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), href: null });
    found.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), href: null });
  return found;
}

/** A whole address that may be opened or drawn: http and https, nothing else. */
export function httpUrl(text: string | null): string | null {
  if (!text) return null;
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** One or two signs for a name. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s_.-]+/)
    .filter(Boolean);
  const first = Array.from(words[0] ?? "?")[0] ?? "?";
  if (!/^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u.test(first)) return first;
  const second = words.length > 1 ? Array.from(words[words.length - 1] ?? "")[0] : undefined;
  return (first + (second ?? "")).toUpperCase();
}

/** A hue that a name always has. */
export function hue(name: string): number {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  // Steps of the golden angle keep neighbours apart.
  return Math.round(((hash >>> 8) * 137.508) % 360);
}
