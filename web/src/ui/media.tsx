// Audio and video, which play where they are.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { personName, plainFileName } from "../model/labels";
import { heldHost } from "../model/pictures";
import { playing } from "../model/playing";
import type { Message } from "../net/types";
import { addPictureHost } from "../settings/preferences";

interface MediaProps {
  kind: "audio" | "video";
  url: string;
  message: Message;
  /** Shown in place of what the browser cannot play. */
  card: ComponentChildren;
}

/**
 * Nothing is loaded but what tells the length, and of another host not before the user wants it, as the host learns of
 * that. The size does not depend on what is played, so that nothing moves when that is known.
 */
export function Media({ kind, url, message, card }: MediaProps) {
  const [isBroken, setBroken] = useState(false);
  const host = heldHost(url);
  if (isBroken) return <>{card}</>;
  if (host !== null) {
    return (
      <button type="button" class={`media is-held is-${kind}`} onClick={() => addPictureHost(host)}>
        <bdi>{t(kind === "audio" ? "media.audio" : "media.video", { host })}</bdi>
        <span class="held-action">{t("image.show")}</span>
      </button>
    );
  }
  const Player = kind;
  const name = plainFileName(message.file_name ?? "") || t(kind === "audio" ? "media.sound" : "media.film");
  return (
    <Player
      class={`media is-${kind}`}
      src={url}
      controls
      preload="metadata"
      playsInline
      aria-label={t("media.label", { name, sender: personName(message.username) })}
      onPlay={({ currentTarget }) => {
        pauseOthers(currentTarget);
        playing.value = message.id;
      }}
      onPause={() => {
        if (playing.peek() === message.id) playing.value = null;
      }}
      onError={() => setBroken(true)}
    />
  );
}

function pauseOthers(player: HTMLMediaElement): void {
  for (const other of document.querySelectorAll<HTMLMediaElement>(".media:is(audio, video)")) {
    if (other !== player) other.pause();
  }
}
