// What the owner and admins of a room may change: its name, description, avatar and slow mode.

import { api } from "../net/http";
import type { RoomChange, RoomSettings } from "../net/types";
import { patchConversation, type Room } from "./rooms";

/** The seconds between two messages of a member that are offered; 0 for none. */
export const SLOW_MODES = [0, 10, 30, 60, 300, 900, 3600, 21_600];

export async function loadSettings(room: Room): Promise<void> {
  room.settings.value = await api.room(room.id);
}

/** What was edited and differs. */
export function changesOf(known: RoomSettings, edits: RoomChange): RoomChange {
  const changed = Object.entries(edits).filter(([key, value]) => known[key as keyof RoomChange] !== value);
  return Object.fromEntries(changed);
}

export async function changeSettings(room: Room, change: RoomChange): Promise<void> {
  const settings = await api.changeRoom(room.id, change);
  room.settings.value = settings;
  patchConversation(room.id, () => ({ name: settings.name, avatar: settings.avatar }));
}
