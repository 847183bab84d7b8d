// Addresses in texts.

/** Splits a text into plain pieces and addresses. */
export function splitUrls(text: string): { text: string; href: string | null }[] {
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

/** The address, if the whole text is one that may be opened or drawn: http or https, nothing else. A path needs a base. */
export function httpUrl(text: string | null | undefined, base?: string): string | null {
  if (!text) return null;
  try {
    const url = new URL(text, base);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
