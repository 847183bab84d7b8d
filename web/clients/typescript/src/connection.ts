// The WebSocket of document 000 with `?ext=1`: it connects again after a loss, resumes every room where it stopped, and
// sends each message exactly once. `docs/protocols/webchat.md` describes the frames.

import { FollowedRooms } from "./followed_rooms.ts";
import { backoffMs, hintedMs } from "./generated/backoff.ts";
import type {
  AnswerFrame,
  ClientPayloads,
  EventFrame,
  Message,
  RoomMessage,
  ServerFrame,
} from "./generated/frames.ts";
import type { HttpClient } from "./http.ts";
import type { Command, ConnectionOptions, Events, Socket, SocketConstructor, Status } from "./options.ts";
import { type Entry, Outbox, type OutgoingMessage } from "./outbox.ts";
import { Refused } from "./refused.ts";

interface PendingCommand {
  resolve: (answer: AnswerFrame) => void;
  reject: (error: Refused) => void;
  timer: ReturnType<typeof setTimeout>;
}

const CHECK_EVERY_MS = 5000;
const PING_EVERY_MS = 20_000;
/** How long a handshake, a ping and most commands may take. */
const ANSWER_MS = 10_000;
/** Histories and the replay of missed events may be large. */
const LARGE_ANSWER_MS = 30_000;
/** Connections that were open for longer start over with the shortest wait. */
const STABLE_MS = 10_000;
/** Rooms that the handshake resumes. With more, its address would be too long for some proxies. */
const MAX_IN_HANDSHAKE = 100;
/** How long the message may take that the server has stored. */
const ECHO_MS = 8000;
/** The waits before a message is sent again that the server could not take for the moment. */
const RETRY_MS = { usual: 1500, min: 250, max: 30_000 };
const TEMPORARY: ReadonlySet<string> = new Set(["rate_limited", "unavailable", "timeout"]);
/** Close codes after which the server would refuse the next connection as well. */
const FINAL: ReadonlySet<number> = new Set([1000, 1002, 1007, 1008, 1009]);

export class ChatConnection {
  private readonly http: HttpClient;
  private readonly Socket: SocketConstructor;
  private readonly outbox: Outbox;
  private readonly rooms = new FollowedRooms();
  private readonly listeners = new Map<keyof Events, Set<(event: never) => void>>();
  private current: Status = "closed";
  private socket: Socket | null = null;
  /** Grows with each attempt, so that an attempt finds out whether it was stopped. */
  private epoch = 0;
  /** Commands without an answer so far, by `ref`. */
  private readonly pending = new Map<string, PendingCommand>();
  private lastRef = 0;
  private attempt = 0;
  private openedAt = 0;
  private hasOpened = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setInterval> | undefined;
  private pingedAt = 0;
  /** Frames that have arrived. A pong is missing as long as their number is the one at the ping. */
  private received = 0;
  private receivedAtPing = -1;
  private isFlushing = false;

  constructor({ http, WebSocket, storage }: ConnectionOptions) {
    this.http = http;
    this.Socket = WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor);
    if (!this.Socket)
      throw new TypeError("there is no global WebSocket: pass a constructor, as that of `ws`");
    this.outbox = new Outbox(storage);
  }

  get status(): Status {
    return this.current;
  }

  /** Calls a listener at every event of a type. Returns a function that ends this. */
  on<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => void): () => void {
    const listeners = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Connects, and connects again after every loss until `stop` or `closed`. */
  start(): void {
    if (this.current === "closed") void this.connect();
  }

  /** Ends the connection. What is in the outbox stays there for the next `start`. */
  stop(): void {
    this.closeSocket();
    this.attempt = 0;
    this.setStatus("closed");
  }

  /** Connects at once instead of waiting, as when a browser reports that it is online. Checks an open connection. */
  retryNow(): void {
    if (this.current === "waiting") void this.connect();
    else if (this.current === "open") this.check(0);
  }

  /**
   * Sends a message, now or as soon as there is a connection, after the messages before it. It is stored once, however often
   * connections are lost meanwhile. Resolves with the stored message.
   *
   * # Errors
   * `Refused` with the code of the server, which then has not stored it.
   */
  send(message: OutgoingMessage): Promise<RoomMessage> {
    const stored = this.outbox.add(message);
    void this.flush();
    return stored;
  }

  /**
   * Sends a command. Resolves once the server has done it.
   *
   * # Errors
   * `Refused` with the code of the server, `lost` without a connection or if it ends first, `timeout` if there is no answer.
   * After the last two the server may have done the command.
   */
  async command<Type extends Command>(type: Type, payload: Omit<ClientPayloads[Type], "ref">): Promise<void> {
    await this.request(type, payload, ANSWER_MS);
  }

  /**
   * Reads a page of a history, oldest first. With `cut` it was too large, and its oldest messages are left out.
   *
   * # Errors
   * As `command`.
   */
  async fetchHistory(
    payload: Omit<ClientPayloads["fetch_history"], "ref">,
  ): Promise<{ messages: Message[]; cut: boolean }> {
    const answer = await this.request("fetch_history", payload, LARGE_ANSWER_MS);
    if (answer.type !== "message_history") throw new Refused("internal", `${answer.type} without a history`);
    const { messages, cut = false } = answer.payload;
    const newest = messages.at(-1);
    // After `not_recovered` the room is followed from here on.
    if (newest) this.rooms.begin(payload.room_id, newest);
    return { messages, cut };
  }

  private request(type: string, payload: object, timeoutMs: number): Promise<AnswerFrame> {
    const { socket } = this;
    if (!socket || this.current !== "open") return Promise.reject(new Refused("lost"));
    this.lastRef += 1;
    const ref = String(this.lastRef);
    const { received } = this;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.expire(ref, received), timeoutMs);
      this.pending.set(ref, { resolve, reject, timer });
      socket.send(JSON.stringify({ type, payload: { ...payload, ref } }));
    });
  }

  /** Gives up a command without an answer; the whole connection if nothing at all came since the command. */
  private expire(ref: string, receivedBefore: number): void {
    if (this.received === receivedBefore) return this.handleLoss(null);
    this.take(ref)?.reject(new Refused("timeout"));
    this.check(0);
  }

  private async connect(): Promise<void> {
    this.closeSocket();
    this.setStatus("connecting");
    const { epoch } = this;
    try {
      const missed = await this.listRooms();
      if (this.epoch !== epoch) return;
      // Gives up a handshake that hangs.
      this.timer = setTimeout(() => this.current === "connecting" && this.handleLoss(null), ANSWER_MS);
      this.openSocket(missed);
    } catch (error) {
      if (this.epoch === epoch) this.handleFailure(error);
    }
  }

  /**
   * Follows the rooms of the user from their last messages on, as far as they are new here. Returns those of a reconnection in
   * which messages were missed. The request also tells whether the token is valid, which a handshake does not in browsers.
   */
  private async listRooms(): Promise<number[]> {
    const missed: number[] = [];
    for (const { id, last_message } of await this.http.call("GET /api/v1/conversations")) {
      if (!last_message || this.rooms.has(id)) continue;
      this.rooms.begin(id, last_message);
      if (this.hasOpened) missed.push(id);
    }
    return missed;
  }

  private openSocket(missed: number[]): void {
    const tokens = this.rooms.tokens();
    const since = tokens.slice(0, MAX_IN_HANDSHAKE).map(([room, token]) => `&since=${room}:${token}`);
    const query = `ext=1&token=${encodeURIComponent(this.http.token ?? "")}${since.join("")}`;
    const socket = new this.Socket(`${this.http.url.replace(/^http/, "ws")}/ws?${query}`);
    this.socket = socket;
    socket.onopen = () => this.socket === socket && this.handleOpen(tokens.slice(MAX_IN_HANDSHAKE), missed);
    socket.onmessage = ({ data }: { data: unknown }) =>
      this.socket === socket && this.handleText(String(data));
    socket.onclose = (event: CloseEvent) => this.socket === socket && this.handleLoss(event);
    socket.onerror = () => {}; // `onclose` follows
  }

  private handleOpen(rest: [number, string][], missed: number[]): void {
    this.openedAt = Date.now();
    this.receivedAtPing = -1;
    this.watchdog = setInterval(() => {
      this.check();
      this.outbox.sendAgainAfter(ECHO_MS);
      void this.flush();
    }, CHECK_EVERY_MS);
    this.hasOpened = true;
    this.outbox.sendAgainAfter(0);
    this.setStatus("open");
    if (rest.length > 0) void this.resume(rest);
    for (const room_id of missed) this.emit("not_recovered", { room_id });
    void this.flush();
  }

  /** Resumes rooms for which the handshake had no place. */
  private async resume(tokens: [number, string][]): Promise<void> {
    for (const [room] of tokens) this.rooms.beginReplay(room);
    try {
      await this.request("resume", { rooms: Object.fromEntries(tokens) }, LARGE_ANSWER_MS);
    } catch (error) {
      const isLost = error instanceof Refused && error.code === "lost";
      // The next connection resumes them.
      if (isLost) return;
      for (const [room_id] of tokens) this.handleEvent({ type: "not_recovered", payload: { room_id } });
    }
  }

  private handleText(text: string): void {
    this.received += 1;
    const frame: ServerFrame = JSON.parse(text);
    switch (frame.type) {
      case "done":
      case "pong":
      case "message_history":
        return this.take(frame.payload.ref)?.resolve(frame);
      case "error": {
        const { ref, code, message, field, retry_after_ms } = frame.payload;
        return this.take(ref)?.reject(new Refused(code, message, { field, retryAfterMs: retry_after_ms }));
      }
      default:
        this.handleEvent(frame);
    }
  }

  private handleEvent(frame: EventFrame): void {
    switch (frame.type) {
      case "new_message":
        this.outbox.settle(frame.payload);
        if (!this.rooms.note(frame.payload)) return;
        break;
      case "member_added":
      case "member_removed":
        if (!this.rooms.note(frame.payload.message)) return;
        break;
      case "resumed":
        this.rooms.endReplay(frame.payload.room_id);
        break;
      case "not_recovered":
      case "room_removed":
        this.rooms.forget(frame.payload.room_id);
    }
    this.emit(frame.type, frame.payload);
  }

  /** Sends what is in the outbox, each message after the answer to the one before. */
  private async flush(): Promise<void> {
    if (this.isFlushing) return;
    this.isFlushing = true;
    for (;;) {
      const entry = this.outbox.next();
      if (!entry || this.current !== "open") break;
      await this.deliver(entry);
    }
    this.isFlushing = false;
  }

  private async deliver(entry: Entry): Promise<void> {
    try {
      if (this.outbox.isTooOld(entry)) throw new Refused("expired");
      await this.request("send_message", entry.message, ANSWER_MS);
      this.outbox.markDone(entry);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // The next connection sends it again.
      if (error.code === "lost") return;
      if (TEMPORARY.has(error.code)) {
        const wait = Math.max(error.retryAfterMs ?? RETRY_MS.usual, RETRY_MS.min);
        return new Promise((resolve) => setTimeout(resolve, Math.min(wait, RETRY_MS.max)));
      }
      this.outbox.refuse(entry, error);
      this.emit("refused", { message: entry.message, error });
    }
  }

  /** Takes a command out of the pending ones. */
  private take(ref: string | undefined): PendingCommand | undefined {
    const command = ref === undefined ? undefined : this.pending.get(ref);
    if (ref === undefined || !command) return undefined;
    this.pending.delete(ref);
    clearTimeout(command.timer);
    return command;
  }

  /** Gives up the connection if nothing came since a ping. Otherwise pings if the last ping is long ago. */
  private check(everyMs = PING_EVERY_MS): void {
    const now = Date.now();
    if (this.received === this.receivedAtPing) {
      if (now - this.pingedAt > ANSWER_MS) this.handleLoss(null);
      return;
    }
    if (now - this.pingedAt < everyMs) return;
    this.pingedAt = now;
    this.receivedAtPing = this.received;
    this.socket?.send('{"type":"ping","payload":{}}');
  }

  /** The server was not reached, or refuses to list the rooms. */
  private handleFailure(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) return this.end("unauthenticated", error.message);
    this.wait(error.retryAfterMs);
  }

  private handleLoss(event: CloseEvent | null): void {
    const wasOpen = this.current === "open";
    this.closeSocket();
    if (event && FINAL.has(event.code)) return this.end(event.code, event.reason);
    if (wasOpen && Date.now() - this.openedAt > STABLE_MS) this.attempt = 0;
    this.wait(hintedMs(event?.reason ?? "") ?? undefined);
  }

  private wait(wantedMs: number | undefined): void {
    const wait = wantedMs ?? backoffMs(this.attempt);
    this.attempt += 1;
    this.timer = setTimeout(() => void this.connect(), wait);
    this.setStatus("waiting");
  }

  private end(code: number | "unauthenticated", reason: string): void {
    this.stop();
    this.emit("closed", { code, reason });
  }

  private closeSocket(): void {
    clearTimeout(this.timer);
    clearInterval(this.watchdog);
    this.epoch += 1;
    const { socket } = this;
    this.socket = null;
    socket?.close();
    for (const ref of [...this.pending.keys()]) this.take(ref)?.reject(new Refused("lost"));
  }

  private setStatus(status: Status): void {
    if (this.current === status) return;
    this.current = status;
    this.emit("status", status);
  }

  private emit<Type extends keyof Events>(type: Type, event: Events[Type]): void {
    for (const listener of this.listeners.get(type) ?? []) {
      try {
        (listener as (event: Events[Type]) => void)(event);
      } catch (error) {
        // The runtime reports it, and the connection goes on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
