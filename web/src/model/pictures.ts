// Which pictures are drawn, and which wait until the user wants them.

import type { Message } from "../net/types";
import { loadsPictures, pictureHosts } from "../settings/preferences";
import { fileUrl, foreignHost } from "./urls";

/** The host of a picture that is held back: the host would learn who looks at it, and when. */
export function heldHost(url: string): string | null {
  const host = foreignHost(url);
  return host !== null && !loadsPictures.value && !pictureHosts.value.has(host) ? host : null;
}

export interface Shown {
  url: string;
  sender: string;
}

/** The pictures among messages that are drawn, in order. */
export function drawnPictures(messages: Message[]): Shown[] {
  return messages.flatMap((message) => {
    const url = message.message_type === "image" && fileUrl(message.file_url ?? message.content);
    return url && heldHost(url) === null ? [{ url, sender: message.username }] : [];
  });
}
