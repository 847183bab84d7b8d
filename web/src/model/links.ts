// Addresses in texts: of pages, with and without a scheme, and of e-mail.

import { httpUrl } from "./urls";

interface Piece {
  text: string;
  href: string | null;
  /** The host that the address leads to, where the text does not begin with it. */
  host?: string;
}

/**
 * What an address may have. Letters of scripts that are written without spaces end it, as does their punctuation: what
 * stands there is the rest of the sentence.
 */
const PART = String.raw`(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}ー])[\p{L}\p{M}\p{N}]|[-!#$%&'()*+,./:;=?@\[\]_~|])`;
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const ADDRESS = new RegExp(
  [
    `https?://${PART}+`,
    // After other parts of an address these would be the middle of it.
    String.raw`(?<![a-z0-9.@/_-])www\.${LABEL}(?:\.${LABEL})+(?![a-z0-9@-])(?:[:/?#]${PART}*)?`,
    String.raw`(?<![a-z0-9.%+@/:_-])[a-z0-9][a-z0-9.%+_-]{0,63}@${LABEL}(?:\.${LABEL})*\.[a-z]{2,63}(?![a-z0-9@-])`,
  ].join("|"),
  "giu",
);
const CLOSERS: Record<string, string> = { ")": "(", "]": "[" };

/** Splits a text into plain pieces and addresses. */
export function splitLinks(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutEnd(match[0], text[match.index - 1]);
    const link = linkOf(address);
    if (!link) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), href: null });
    found.push({ text: address, ...link });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), href: null });
  return found;
}

/**
 * An address without the punctuation of the sentence after it. A bracket that the address opened belongs to it, and a
 * mark that stands before it as well does not.
 */
function withoutEnd(address: string, before = ""): string {
  const excess: Record<string, number> = {};
  for (const [closer, opener] of Object.entries(CLOSERS)) {
    excess[closer] = address.split(closer).length - address.split(opener).length;
  }
  const isMarked = before === "_" || before === "~";
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1] ?? "";
    const more = excess[last];
    const isLoose = more === undefined ? /[.,;:!?'*|]/.test(last) || (isMarked && last === before) : more > 0;
    if (!isLoose) break;
    if (more !== undefined) excess[last] = more - 1;
  }
  return address.slice(0, end);
}

function linkOf(address: string): Omit<Piece, "text"> | null {
  if (/^https?:/i.test(address)) {
    const href = httpUrl(address);
    return href ? { href, host: hiddenHost(address, href) } : null;
  }
  if (address.includes("@") && !/^www\./i.test(address)) return { href: `mailto:${address}` };
  const href = httpUrl(`https://${address}`);
  return href ? { href } : null;
}

/** The host of an address that shows another first: after a user name, in other letters, as a number. */
function hiddenHost(address: string, href: string): string | undefined {
  const { protocol, host, hostname } = new URL(href);
  const shown = address.toLowerCase().slice(`${protocol}//`.length);
  const next = shown[hostname.length] ?? "/";
  return shown.startsWith(hostname) &&
    "/:?#".includes(next) &&
    !/^:[^/?#]*@/.test(shown.slice(hostname.length))
    ? undefined
    : host;
}
