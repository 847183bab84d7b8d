// One WebSocket at a time with commands and their answers, kept alive until it is lost. What comes after a loss is up to
// its owner: the web client's `Connection`, and the one of the package in `web/clients/typescript`, which has a copy of
// this file. It therefore imports nothing but types, and runs outside of browsers as well.
//
// Every command carries a `ref`, which its answer repeats: answers may come in any order. A plain ping, without a
// `ref`, keeps the connection alive and finds out whether it still is.

import type {
  AnswerFrame,
  ClientFrame,
  ClientPayloads,
  ErrorCode,
  EventFrame,
  Message,
  ServerFrame,
  ServerPayloads,
} from "./types.ts";

/** What is needed of a WebSocket. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

interface RefusalDetails {
  field: string | undefined;
  retryAfterMs: number | undefined;
}

/** How a connection was closed. */
export interface Close {
  code: number;
  reason: string;
}

/** A page of a history, oldest first. */
export interface HistoryPage {
  messages: Message[];
  /** Whether the page was too large, and its oldest messages are left out. */
  isCut: boolean;
}

interface Owner {
  makeSocket: (url: string) => Socket;
  /** The error of commands that are not done. */
  Refused: new (
    code: ErrorCode | "lost" | "timeout",
    message?: string,
    details?: RefusalDetails,
  ) => Error;
  onOpen: () => void;
  /** Gets every frame that is not the answer to a command. */
  onEvent: (frame: EventFrame) => void;
  /**
   * Runs when a connection ends or does not come about, except by `close`. The event is `null` if it was given up here. It was
   * stable if it was open for so long that the next attempt may come early.
   */
  onLoss: (event: Close | null, wasStable: boolean) => void;
}

interface PendingCommand {
  resolve: (answer: AnswerFrame) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

const CHECK_EVERY_MS = 5000;
const PING_EVERY_MS = 20_000;
/** How long a handshake, a ping and most commands may take. */
const ANSWER_MS = 10_000;
/** Histories and the replay of missed events may be large. */
const LARGE_ANSWER_MS = 30_000;
/** Connections that were open for longer are stable. */
const STABLE_MS = 10_000;

export class CommandSocket {
  readonly #owner: Owner;
  #socket: Socket | null = null;
  /** Commands without an answer so far, by `ref`. */
  readonly #pending = new Map<string, PendingCommand>();
  #lastRef = 0;
  /** When the connection was opened; 0 as long as it is not. */
  #openedAt = 0;
  /** Gives up a handshake that hangs, then checks the connection. */
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #pingedAt = 0;
  /** Frames that have arrived. A pong is missing as long as their number is the one at the ping. */
  #received = 0;
  #receivedAtPing = -1;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /**
   * Connects to the server of an origin. The handshake resumes rooms, each after the message with its token, because
   * events could overtake a command.
   */
  open(origin: string, token: string, since: Iterable<[number, string]>): void {
    this.close();
    const rooms = Array.from(since, ([room, resume]) => `&since=${room}:${resume}`);
    const query = `ext=1&token=${encodeURIComponent(token)}${rooms.join("")}`;
    const socket = this.#owner.makeSocket(`${origin.replace(/^http/, "ws")}/ws?${query}`);
    this.#socket = socket;
    socket.onopen = () => this.#socket === socket && this.#handleOpen();
    socket.onmessage = ({ data }: { data: unknown }) =>
      this.#socket === socket && this.#handleText(String(data));
    socket.onclose = (event: Close) => this.#socket === socket && this.#lose(event);
    this.#watchdog = setTimeout(() => this.#lose(null), ANSWER_MS);
  }

  /** Ends the connection, without a word to its owner. Commands without an answer are refused as `lost`. */
  close(): void {
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    this.#openedAt = 0;
    socket?.close();
    for (const ref of this.#pending.keys()) this.#take(ref)?.reject(new this.#owner.Refused("lost"));
  }

  /** Gives up the connection, if there is one. */
  giveUp(): void {
    if (this.#socket) this.#lose(null);
  }

  /**
   * Sends a command. Resolves once the server has done it.
   *
   * # Errors
   * `Refused` with the code of the server, `lost` without a connection or if it ends first, `timeout` if there is no
   * answer. After the last two the server may have done the command.
   */
  async command(type: ClientFrame["type"], payload: object): Promise<void> {
    await this.#send(type, payload, type === "resume" ? LARGE_ANSWER_MS : ANSWER_MS);
  }

  /**
   * Fetches a page of a history.
   *
   * # Errors
   * As `command`.
   */
  async fetchHistory(payload: ClientPayloads["fetch_history"]): Promise<HistoryPage> {
    const answer = await this.#send("fetch_history", payload, LARGE_ANSWER_MS);
    if (answer.type !== "message_history")
      throw new this.#owner.Refused("internal", `${answer.type} without a history`);
    return { messages: answer.payload.messages, isCut: answer.payload.cut ?? false };
  }

  /** Gives up the connection if nothing came since a ping. Otherwise pings if the last ping is long ago. */
  check(everyMs = PING_EVERY_MS): void {
    const now = Date.now();
    if (this.#received === this.#receivedAtPing) {
      if (now - this.#pingedAt > ANSWER_MS) this.#lose(null);
      return;
    }
    if (now - this.#pingedAt < everyMs) return;
    this.#pingedAt = now;
    this.#receivedAtPing = this.#received;
    this.#socket?.send('{"type":"ping","payload":{}}');
  }

  #send(type: string, payload: object, timeoutMs: number): Promise<AnswerFrame> {
    const socket = this.#socket;
    if (!socket || !this.#openedAt) return Promise.reject(new this.#owner.Refused("lost"));
    this.#lastRef += 1;
    const ref = String(this.#lastRef);
    const received = this.#received;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(ref, received), timeoutMs);
      this.#pending.set(ref, { resolve, reject, timer });
      socket.send(JSON.stringify({ type, payload: { ...payload, ref } }));
    });
  }

  /** Gives up a command without an answer; the whole connection if nothing at all came since the command. */
  #expire(ref: string, receivedBefore: number): void {
    if (this.#received === receivedBefore) return this.#lose(null);
    this.#take(ref)?.reject(new this.#owner.Refused("timeout"));
    this.check(0);
  }

  #handleOpen(): void {
    clearTimeout(this.#watchdog);
    this.#openedAt = Date.now();
    this.#receivedAtPing = -1;
    this.#watchdog = setInterval(() => this.check(), CHECK_EVERY_MS);
    this.#owner.onOpen();
  }

  #handleText(text: string): void {
    this.#received += 1;
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    switch (frame.type) {
      case "done":
      case "pong":
      case "message_history":
        return this.#take(frame.payload.ref)?.resolve(frame);
      case "error":
        return this.#handleRefusal(frame.payload);
      default:
        this.#owner.onEvent(frame);
    }
  }

  /** Rejects the command of an error. Errors without a `ref` belong to no command. */
  #handleRefusal({ ref, code, message, field, retry_after_ms }: ServerPayloads["error"]): void {
    this.#take(ref)?.reject(new this.#owner.Refused(code, message, { field, retryAfterMs: retry_after_ms }));
  }

  /** Takes a command out of the pending ones. */
  #take(ref = ""): PendingCommand | undefined {
    const command = this.#pending.get(ref);
    this.#pending.delete(ref);
    clearTimeout(command?.timer);
    return command;
  }

  #lose(event: Close | null): void {
    const wasStable = this.#openedAt > 0 && Date.now() - this.#openedAt > STABLE_MS;
    this.close();
    this.#owner.onLoss(event, wasStable);
  }
}
