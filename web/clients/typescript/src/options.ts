// What a connection is made with, and what it tells.

import type { Socket as CommonSocket } from "./generated/command_socket.ts";
import type { ClientPayloads, EventFrame, ServerPayloads } from "./generated/types.ts";
import type { HttpClient } from "./http.ts";
import type { OutboxStorage, OutgoingMessage } from "./outbox.ts";
import type { Refused } from "./refused.ts";

/** `waiting` until the next attempt. */
export type Status = "closed" | "connecting" | "open" | "waiting";

/** The events of a connection: those of the server, and its own. */
export type Events = Pick<ServerPayloads, EventFrame["type"]> & {
  status: Status;
  /** The connection ended for good: the server refuses the token, or closed with a code after which it would do so again. */
  closed: { code: number | "unauthenticated"; reason: string };
  /** The server does not take a message of the outbox. */
  refused: { message: OutgoingMessage; error: Refused };
};

/** A command that is answered with nothing but that it is done. */
export type Command = Exclude<keyof ClientPayloads, "ping" | "resume" | "fetch_history" | "send_message">;

/** What a connection needs of a WebSocket. That of browsers has it, and the one of the package `ws`. */
export interface Socket extends CommonSocket {
  onerror: ((event: never) => void) | null;
}

export type SocketConstructor = new (url: string) => Socket;

export interface ConnectionOptions {
  /** Says where the server is, and whose connection this is. */
  http: HttpClient;
  /** The constructor of sockets, where there is no global one (Node.js before 22). */
  WebSocket?: SocketConstructor;
  /** Keeps unsent messages beyond the end of the program. Without it they live as long as the connection. */
  storage?: OutboxStorage;
}
