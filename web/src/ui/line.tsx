// One row of the history, with what stands above it: the day, where new messages begin.

import { t } from "../i18n";
import { dayText } from "../i18n/format";
import type { Room } from "../model/rooms";
import type { Row } from "../model/timeline";
import { systemText } from "../model/words";
import type { Message } from "../net/types";
import { Bubble } from "./bubble";

interface LineProps {
  room: Room;
  row: Row;
  isFirst: boolean;
  isFlashed: boolean;
  onReply: (message: Message) => void;
  onJump: (id: number) => void;
}

export function Line({ room, row, isFirst, isFlashed, onReply, onJump }: LineProps) {
  return (
    <div class="row-box">
      {isFirst && !room.hasOlder.value && <p class="beginning">{t("room.beginning")}</p>}
      {row.day && (
        <p class="day">
          <span>{dayText(row.at)}</span>
        </p>
      )}
      {row.divider && (
        <p class="divider">
          <span>{t("room.new")}</span>
        </p>
      )}
      {row.kind === "system" ? (
        <p class="system">
          <bdi>{systemText(row.message.text)}</bdi>
        </p>
      ) : (
        <Bubble room={room} row={row} isFlashed={isFlashed} onReply={onReply} onJump={onJump} />
      )}
    </div>
  );
}
