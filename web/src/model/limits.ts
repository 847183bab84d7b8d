// How much a message may have.

/** Characters, which the server counts as Unicode scalar values. */
export const MAX_CHARS = 5000;

export function countChars(text: string): number {
  return Array.from(text).length;
}

/** The beginning of a text, up to a number of characters. Its time does not depend on the length of the text. */
export function cutToFit(text: string, max = MAX_CHARS): string {
  if (text.length <= max) return text;
  // A character takes at most two code units.
  return Array.from(text.slice(0, 2 * max))
    .slice(0, max)
    .join("");
}
