// Puts rows into lines: images that were sent together share one. Pure functions.

import { captionOf } from "./labels";
import type { Row } from "./timeline";
import { fileUrl } from "./urls";

/** Images of one sender that follow each other within this time are drawn side by side. */
const GRID_MS = 60_000;
const MAX_GRID = 9;

/** What is drawn in one line: a row, or several with an image each, of which the last one may have a caption. */
export interface Line {
  key: string;
  rows: Row[];
}

/**
 * Puts images that were sent together into one line. A line keeps the key that any of its rows had among the lines of
 * before, so that it is not drawn afresh when its first image moves or is deleted.
 */
export function linesOf(rows: Row[], before: Line[] = []): Line[] {
  const known = new Map(before.flatMap(({ key, rows }) => rows.map((row) => [row.key, key])));
  const all: Line[] = [];
  const taken = new Set<string>();
  for (const row of rows) {
    const last = all[all.length - 1];
    if (last && last.rows.length < MAX_GRID && isBeside(last, row)) {
      last.rows.push(row);
      continue;
    }
    const old = known.get(row.key) ?? row.key;
    const key = taken.has(old) ? row.key : old;
    taken.add(key);
    all.push({ key, rows: [row] });
  }
  return all;
}

/**
 * The lines that no older message can change, or the only one. What is above the oldest loaded message decides whether
 * that one starts a day or a group, and with which images it shares a line.
 */
export function settledLines(lines: Line[]): Line[] {
  const next = lines.findIndex((line, at) => {
    const above = lines[at - 1];
    return above && line.rows[0] && !isBeside(above, line.rows[0]);
  });
  return lines.length > 1 ? lines.slice(Math.max(next, 1)) : lines;
}

/** Whether a row belongs next to those of a line. */
function isBeside({ rows }: Line, row: Row): boolean {
  const last = rows[rows.length - 1];
  if (!last || row.isGroupStart || row.at - last.at > GRID_MS) return false;
  return captionOfPicture(last) === "" && captionOfPicture(row) !== null;
}

/** The caption of a row that is nothing but an image and its caption; `null` for all others. */
function captionOfPicture(row: Row): string | null {
  if (row.kind === "upload") return row.upload.isImage && !row.upload.replyTo ? row.upload.caption : null;
  if (row.kind === "pending") {
    const { isImage, replyTo, forwarded, fileUrl: url, text } = row.pending;
    if (!isImage || replyTo || forwarded) return null;
    return url ? text : "";
  }
  const { message_type, reply_to, forwarded_from, file_url, content } = row.message;
  const isPlain = message_type === "image" && !reply_to && !forwarded_from;
  return isPlain && fileUrl(file_url ?? content) ? captionOf(row.message) : null;
}

/** The index of the line with a message, or -1. */
export function lineIndex(lines: Line[], messageId: number): number {
  const isIt = (row: Row) => "message" in row && row.message.id === messageId;
  return lines.findIndex(({ rows }) => rows.some(isIt));
}
