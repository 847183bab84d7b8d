// What is shown in place of a conversation that the user is not in. A public room can be joined.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { roomName } from "../model/labels";
import { joinRoom } from "../model/members";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import type { RoomSettings } from "../net/types";
import { Empty } from "./common";
import { showRoom } from "./router";
import { targetMessage } from "./target";

export function Unavailable({ id }: { id: number }) {
  const [room, setRoom] = useState<RoomSettings | null>(null);
  useEffect(() => {
    // The server tells others of public rooms only.
    api.room(id).then(setRoom, () => {});
  }, [id]);
  const isLinked = targetMessage.value?.room === id;
  if (room?.kind === "public") {
    const join = () => joinRoom(id).catch((error) => showToast(errorText(error)));
    return (
      <main class="pane is-empty">
        <Empty isPage icon="compass" title={roomName(room)} hint={t("link.joinHint")}>
          <button type="button" class="button is-main" onClick={join}>
            {t("new.join")}
          </button>
        </Empty>
      </main>
    );
  }
  return (
    <main class="pane is-empty">
      <Empty
        isPage
        icon="alert"
        title={t(isLinked ? "link.gone" : "room.gone")}
        hint={isLinked ? t("link.goneHint") : undefined}
      >
        <button type="button" class="button" onClick={() => showRoom(null)}>
          {t("room.back")}
        </button>
      </Empty>
    </main>
  );
}
