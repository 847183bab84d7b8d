// Who is in a room; joining, leaving, opening private rooms.

import { ApiError, api } from "../net/http";
import { connection } from "./connection";
import { refresh } from "./list";
import { conversations, forgetRoom, type Room } from "./rooms";
import { me } from "./session";

export async function loadMembers(room: Room): Promise<void> {
  try {
    room.members.value = await api.members(room.id);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) void refresh();
  }
}

export async function join(room: number): Promise<void> {
  await connection.command({ type: "join_room", payload: { room_id: room } });
  await refresh();
}

export async function quit(room: number): Promise<void> {
  const own = me.peek();
  if (!own) return;
  await api.removeMember(room, own.id);
  forgetRoom(room);
}

/** The number of the private room with a user, which is made when there is none. */
export async function openDirect(username: string): Promise<number> {
  const room = await api.openDirect(username);
  if (!conversations.peek().has(room.id)) await refresh();
  return room.id;
}
