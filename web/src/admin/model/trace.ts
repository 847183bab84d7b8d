// Where a message is: the id that an administrator types or pastes, and the response of the server.

import type { UserRef } from "../../net/types";

export type MessageStatus = "sent" | "delivered" | "read";

export interface NodeTrace {
  id: string;
  follows: boolean;
  arrived: boolean;
  sockets: number;
  pushed: { at: string; delay_ms: number; sockets: number; behind: number } | null;
}

export interface Recipient extends UserRef {
  member: boolean;
  status: MessageStatus;
  read_at: string | null;
}

export interface Trace {
  id: number;
  message_id: string;
  room: { id: number; room_id: string; kind: "public" | "group" | "direct"; name: string };
  sender: UserRef;
  message_type: string;
  stored_at: string;
  announced: boolean;
  deleted: boolean;
  /** `null` where no receipts are kept. */
  status: MessageStatus | null;
  recipients: Recipient[];
  nodes: NodeTrace[];
  silent: string[];
}

const ID = /^(\d{1,16}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** The id of a message, alone or in a link to it; `null` for any other text. */
export function messageIdOf(text: string): string | null {
  const typed = text.trim();
  if (ID.test(typed)) return typed;
  const query = typed.split("?")[1]?.split("#")[0] ?? "";
  const linked = new URLSearchParams(query).get("message") ?? "";
  return ID.test(linked) ? linked : null;
}
