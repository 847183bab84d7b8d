// The text of a message without the marks of its formatting, for lines and notifications that show only its words.

/** What may not stand around what is marked, nearly as in `marks.ts`, without its code. */
const OF_WORD = String.raw`[^\s()[\]{}"':,;!?.|\x80-\uffff]`;
/** What is marked is read to this length, so that the time grows with the length of the text and nothing else. */
const INNER = "[^\\n]{1,300}?";
const MARKED = new RegExp(
  [
    "```[\\w+#.-]*\\n([^]*?)\\n?```",
    `(\`+)(?!\`)(${INNER})\\2(?!\`)`,
    "https?:\\S+",
    "^>+(?: |$)",
    `(?<!${OF_WORD})(\\*{1,3}(?!\\*)|~~(?!~)|_(?!_))(?=[^\\s,])(${INNER})(?<=\\S)\\4(?!${OF_WORD})`,
  ].join("|"),
  "gm",
);
const WORD = /[\p{L}\p{N}\p{S}]/u;

export function plainText(text: string): string {
  return text.replace(MARKED, (all, block, _, code, mark, inner) => {
    if (mark) return WORD.test(inner) ? plainText(inner) : all;
    return block ?? code ?? (all[0] === ">" ? "" : all);
  });
}
