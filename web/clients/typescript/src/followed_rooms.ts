// What has arrived of each room: from where to resume it, and which messages came before.

import type { RoomMessage } from "./generated/types.ts";

/** Messages of a room that may come twice: a replay, and the answer to a message that was sent again. */
const MAX_SEEN = 1000;

interface FollowedRoom {
  /** The newest message that has arrived, and its resume token. */
  newest: { id: number; resume: string };
  /** Where the room resumes. During a replay by command new messages may precede missed ones, so it stays until the end. */
  token: string;
  isReplaying: boolean;
  /** The resume tokens of the last messages. After a loss an id may be given again, a token is not. */
  seen: Set<string>;
}

export class FollowedRooms {
  /** Those with the newest activity last. */
  private readonly rooms = new Map<number, FollowedRoom>();

  has(room: number): boolean {
    return this.rooms.has(room);
  }

  /** Resumes a room from this message on, unless it is known. */
  begin(room: number, { id, resume }: { id: number; resume: string }): void {
    if (this.rooms.has(room)) return;
    this.rooms.set(room, { newest: { id, resume }, token: resume, isReplaying: false, seen: new Set() });
  }

  /** Takes note of a message. Returns whether it has not arrived before. */
  note({ room_id, id, resume }: RoomMessage): boolean {
    this.begin(room_id, { id, resume });
    const room = this.rooms.get(room_id) as FollowedRoom;
    if (room.seen.has(resume)) return false;
    room.seen.add(resume);
    for (const oldest of room.seen) {
      if (room.seen.size <= MAX_SEEN) break;
      room.seen.delete(oldest);
    }
    if (id > room.newest.id) room.newest = { id, resume };
    if (!room.isReplaying) room.token = room.newest.resume;
    this.rooms.delete(room_id);
    this.rooms.set(room_id, room);
    return true;
  }

  /** The server has lost messages of the room, or cannot say what was missed. */
  forget(room: number): void {
    this.rooms.delete(room);
  }

  beginReplay(room: number): void {
    const known = this.rooms.get(room);
    if (known) known.isReplaying = true;
  }

  endReplay(room: number): void {
    const known = this.rooms.get(room);
    if (!known) return;
    known.isReplaying = false;
    known.token = known.newest.resume;
  }

  /** Rooms and their resume tokens, those with the newest activity first. */
  tokens(): [number, string][] {
    return [...this.rooms].reverse().map(([room, { token }]) => [room, token]);
  }
}
