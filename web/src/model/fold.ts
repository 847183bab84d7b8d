// Where long texts are folded: only their beginning is shown until the user expands them.

/** Texts with more lines, or wider than this many letters, are folded to the lesser numbers below. */
const MAX = { lines: 22, width: 1500 };
const FOLDED = { lines: 14, width: 900 };
/** From here on most characters are as wide as two letters. */
const FIRST_WIDE = 0x2e80;
/** A text ends between words if one of them begins this close to the end. */
const WORD_CHARS = 40;

/** The index at which a folded text ends; `null` if the text is short enough. */
export function foldAt(text: string): number | null {
  let lines = 1;
  let width = 0;
  let end: number | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) lines += 1;
    width += code < FIRST_WIDE ? 1 : 2;
    if (end === null && (lines > FOLDED.lines || width > FOLDED.width)) end = at;
    if (end !== null && (lines > MAX.lines || width > MAX.width)) return endOfWord(text, end);
  }
  return null;
}

function endOfWord(text: string, end: number): number {
  if (text[end] === "\n") return end;
  const space = text.slice(end - WORD_CHARS, end).search(/\s\S*$/);
  if (space >= 0) return end - WORD_CHARS + space;
  const splitsPair = /[\udc00-\udfff]/.test(text[end] ?? "");
  return splitsPair ? end - 1 : end;
}
