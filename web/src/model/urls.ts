// Addresses that may be opened or drawn.

/** The address, if the whole text is one that may be opened or drawn: http or https, nothing else. A path needs a base. */
export function httpUrl(text: string | null | undefined, base?: string): string | null {
  // Most texts are none, and an exception costs more than drawing the message.
  if (!text || (!base && !/^https?:/i.test(text))) return null;
  try {
    const url = new URL(text, base);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** The address of a file. Events have only the path of uploads of this server. */
export function fileUrl(text: string): string | null {
  return httpUrl(text, text.startsWith("/uploads/") ? location.origin : undefined);
}

/** The host of an address, unless this page came from it. */
export function foreignHost(url: string): string | null {
  const { host } = new URL(url);
  return host === location.host ? null : host;
}
