// A bar above the history that shows unread messages out of view.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { sinceText } from "../i18n/format";
import { conversations, type Room } from "../model/rooms";
import { unreadSince } from "../model/since";

interface CatchUpBarProps {
  room: Room;
  onJump: () => Promise<void>;
  onRead: () => void;
}

export function CatchUpBar({ room, ...acts }: CatchUpBarProps) {
  const unread = conversations.value.get(room.id)?.unread ?? 0;
  const reading = room.reading.value;
  const isShown = unread > 0 && (reading === "behind" || reading === "kept");
  return isShown ? <Bar key={reading} room={room} unread={unread} {...acts} /> : null;
}

function Bar({ room, unread, onJump, onRead }: CatchUpBarProps & { unread: number }) {
  const [since, setSince] = useState<number | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    let isDrawn = true;
    void unreadSince(room, unread).then((at) => isDrawn && setSince(at));
    return () => {
      isDrawn = false;
    };
  }, []);
  const text =
    since === null
      ? t("catchUp.count", { n: unread })
      : t("catchUp.since", { n: unread, since: sinceText(since) });
  const jump = () => {
    if (isBusy) return;
    setBusy(true);
    void onJump().finally(() => setBusy(false));
  };
  return (
    <div class="catch-up">
      <p aria-live="polite">{text}</p>
      <button type="button" class="link" aria-busy={isBusy} onClick={jump}>
        {t("catchUp.jump")}
      </button>
      <button type="button" class="link" onClick={onRead}>
        {t("catchUp.read")}
      </button>
    </div>
  );
}
