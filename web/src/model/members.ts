// Memberships: reads the members of a room, joins and leaves rooms, opens direct rooms.

import { api } from "../net/http";
import { Refused } from "../net/refused";
import { connection } from "./connection";
import { refreshList } from "./conversation_list";
import { noteCards } from "./people";
import { conversations, type Room, removeRoom } from "./rooms";
import { me } from "./session";

export async function loadMembers(room: Room): Promise<void> {
  try {
    const members = await api.members(room.id);
    room.members.value = members;
    noteCards(members.map(({ user_id, ...member }) => ({ id: user_id, ...member })));
  } catch (error) {
    if (error instanceof Refused && error.code === "room_not_found") void refreshList();
  }
}

/** Shows the present name of a user, who may have changed it, among the loaded members of a room. */
export function noteName(room: Room, id: number, username: string): void {
  const known = room.members.peek();
  if (known?.some((member) => member.user_id === id && member.username !== username)) {
    room.members.value = known.map((member) => (member.user_id === id ? { ...member, username } : member));
  }
}

export async function joinRoom(id: number): Promise<void> {
  await connection.command({ type: "join_room", payload: { room_id: id } });
  await refreshList();
}

export async function leaveRoom(id: number): Promise<void> {
  const own = me.peek();
  if (!own) return;
  await api.removeMember(id, own.id);
  removeRoom(id);
}

/** Opens the direct room with a user, which the server creates if there is none. Returns its id. */
export async function openDirect(username: string): Promise<number> {
  const { id } = await api.openDirect(username);
  if (!conversations.peek().has(id)) await refreshList();
  return id;
}
