// A room's avatar, name and description, and how often its members may write.

import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { durationText } from "../i18n/units";
import { roomName } from "../model/labels";
import { loadSettings } from "../model/room_settings";
import type { Room } from "../model/rooms";
import type { Conversation } from "../net/types";
import { Avatar } from "./common";
import { Text } from "./text";

export function RoomDetails({ room, conversation }: { room: Room; conversation: Conversation }) {
  useEffect(() => void loadSettings(room).catch(() => {}), [room]);
  const settings = room.settings.value;
  const name = roomName(conversation);
  return (
    <div class="room-details">
      <Avatar name={name} src={conversation.avatar} size="l" isGroup />
      <p class="room-name">
        <bdi>{name}</bdi>
      </p>
      {settings?.description && <Text text={settings.description} />}
      {settings !== null && settings.slow_mode_secs > 0 && (
        <p class="muted">{t("settings.slowState", { time: durationText(settings.slow_mode_secs) })}</p>
      )}
    </div>
  );
}
