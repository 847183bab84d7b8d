// One row of the history, with the separators above it.

import { t } from "../i18n";
import { dayText } from "../i18n/format";
import { systemText } from "../model/labels";
import type { Room } from "../model/rooms";
import type { Row } from "../model/timeline";
import type { Message } from "../net/types";
import { Bubble } from "./bubble";

interface TimelineRowProps {
  room: Room;
  row: Row;
  isFirst: boolean;
  isFlashed: boolean;
  onReply: (message: Message) => void;
  onJump: (id: number) => void;
  onMore: (id: number) => void;
  onFold: (key: string) => void;
}

export function TimelineRow({ room, row, isFirst, ...rest }: TimelineRowProps) {
  return (
    <div class="row-box">
      {isFirst && !room.hasOlder.value && <p class="beginning">{t("room.beginning")}</p>}
      {row.startsDay && (
        <p class="day">
          <span>{dayText(row.at)}</span>
        </p>
      )}
      {row.hasDivider && (
        <p class="divider">
          <span>{t("room.new")}</span>
        </p>
      )}
      {row.kind === "system" ? (
        <p class="system">
          <bdi>{systemText(row.message)}</bdi>
        </p>
      ) : (
        <Bubble room={room} row={row} {...rest} />
      )}
    </div>
  );
}
