// One line of the history, with the separators above it.

import { t } from "../i18n";
import { dayText } from "../i18n/format";
import { systemText } from "../model/labels";
import type { Line } from "../model/lines";
import type { Room } from "../model/rooms";
import type { Row } from "../model/timeline";
import type { Message } from "../net/types";
import { Bubble } from "./bubble";

interface TimelineLineProps {
  room: Room;
  line: Line;
  isFirst: boolean;
  /** The message that is pointed out. */
  flashed: number | null;
  onReply: (message: Message) => void;
  onJump: (id: number) => void;
  onMore: (id: number) => void;
  onFold: (key: string) => void;
}

export function TimelineLine({ room, line, isFirst, flashed, ...rest }: TimelineLineProps) {
  const [first] = line.rows;
  const bubble = (row: Row) => (
    <Bubble key={row.key} room={room} row={row} isFlashed={idOf(row) === flashed} {...rest} />
  );
  return (
    <div class="row-box">
      {isFirst && room.state.value === "ready" && !room.hasOlder.value && (
        <p class="beginning">{t("room.beginning")}</p>
      )}
      {first?.startsDay && (
        <p class="day">
          <span>{dayText(first.at)}</span>
        </p>
      )}
      {first?.hasDivider && (
        <p class="divider">
          <span>{t("room.new")}</span>
        </p>
      )}
      {first?.kind === "system" ? (
        <p class="system">
          <bdi>{systemText(first.message)}</bdi>
        </p>
      ) : (
        <div class={line.rows.length > 1 ? "picture-grid" : undefined}>{line.rows.map(bubble)}</div>
      )}
    </div>
  );
}

const idOf = (row: Row) => ("message" in row ? row.message.id : undefined);
