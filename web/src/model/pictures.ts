// Which images are loaded, and which wait for a click.

import type { Message, Pixels } from "../net/types";
import { loadsPictures, pictureHosts } from "../settings/preferences";
import { personName } from "./labels";
import { fileUrl, foreignHost } from "./urls";

/** The host of an image that is not loaded by itself: it would learn who looks at it, and when. */
export function heldHost(url: string): string | null {
  const host = foreignHost(url);
  return host !== null && !loadsPictures.value && !pictureHosts.value.has(host) ? host : null;
}

/** Sizes of drawn images whose message does not have the size. */
const sizes = new Map<string, Pixels>();
const MAX_SIZES = 1000;

export const sizeOf = (url: string): Pixels | null => sizes.get(url) ?? null;

/** Records the size of an image, and drops the oldest of too many. */
export function noteSize(url: string, pixels: Pixels): void {
  const [oldest] = sizes.keys();
  if (oldest !== undefined && sizes.size >= MAX_SIZES) sizes.delete(oldest);
  sizes.set(url, pixels);
}

export interface Shown {
  url: string;
  sender: string;
}

/** The images of the drawn messages, in order. */
export function drawnPictures(messages: Message[]): Shown[] {
  return messages.flatMap((message) => {
    const url = message.message_type === "image" && fileUrl(message.file_url ?? message.content);
    return url && heldHost(url) === null ? [{ url, sender: personName(message.username) }] : [];
  });
}
