// The WebSocket of document 000 with `?ext=1`: it connects again after a loss, resumes every room where it stopped, and
// sends each message exactly once. `docs/protocols/webchat.md` describes the frames.

import { FollowedRooms } from "./followed_rooms.ts";
import { backoffMs, hintedMs } from "./generated/backoff.ts";
import { type Close, CommandSocket } from "./generated/command_socket.ts";
import { ECHO_MS, resendWaitMs } from "./generated/resending.ts";
import type { ClientPayloads, EventFrame, Message, RoomMessage } from "./generated/types.ts";
import type { HttpClient } from "./http.ts";
import type { Command, ConnectionOptions, Events, SocketConstructor, Status } from "./options.ts";
import { type Entry, Outbox, type OutgoingMessage } from "./outbox.ts";
import { Refused } from "./refused.ts";

/** Rooms that the handshake resumes. With more, its address would be too long for some proxies. */
const MAX_IN_HANDSHAKE = 100;
/** How often the outbox is looked into while there is a connection. */
const LOOK_EVERY_MS = 5000;
/** Close codes after which the server would refuse the next connection as well. */
const FINAL: ReadonlySet<number> = new Set([1000, 1002, 1007, 1008, 1009]);

export class ChatConnection {
  private readonly http: HttpClient;
  private readonly socket: CommandSocket;
  private readonly outbox: Outbox;
  private readonly rooms = new FollowedRooms();
  private readonly listeners = new Map<keyof Events, Set<(event: never) => void>>();
  private current: Status = "closed";
  /** Grows with each attempt, so that an attempt finds out whether it was stopped. */
  private epoch = 0;
  private attempt = 0;
  private hasOpened = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Looks into the outbox while there is a connection. */
  private looks: ReturnType<typeof setInterval> | undefined;
  /** Rooms for which the handshake had no place, and those in which messages were missed. */
  private unresumed: [number, string][] = [];
  private missed: number[] = [];
  private isFlushing = false;

  constructor({ http, WebSocket, storage }: ConnectionOptions) {
    this.http = http;
    const Socket = WebSocket ?? (globalThis.WebSocket as SocketConstructor | undefined);
    if (!Socket) throw new TypeError("there is no global WebSocket: pass a constructor, as that of `ws`");
    this.socket = new CommandSocket({
      makeSocket: (url) => {
        const socket = new Socket(url);
        // `onclose` follows. Without a listener `ws` would throw the error.
        socket.onerror = () => {};
        return socket;
      },
      Refused,
      onOpen: () => this.handleOpen(),
      onEvent: (frame) => this.handleEvent(frame),
      onLoss: (event, wasStable) => this.handleLoss(event, wasStable),
    });
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
    this.disconnect();
    this.attempt = 0;
    this.setStatus("closed");
  }

  /** Connects at once instead of waiting, as when a browser reports that it is online. Checks an open connection. */
  retryNow(): void {
    if (this.current === "waiting") void this.connect();
    else if (this.current === "open") this.socket.check(0);
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
  command<Type extends Command>(type: Type, payload: Omit<ClientPayloads[Type], "ref">): Promise<void> {
    return this.socket.command(type, payload);
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
    const { messages, isCut } = await this.socket.fetchHistory(payload);
    const newest = messages.at(-1);
    // After `not_recovered` the room is followed from here on.
    if (newest) this.rooms.begin(payload.room_id, newest);
    return { messages, cut: isCut };
  }

  private async connect(): Promise<void> {
    this.disconnect();
    this.setStatus("connecting");
    const { epoch } = this;
    try {
      const missed = await this.listRooms();
      if (this.epoch !== epoch) return;
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
    this.unresumed = tokens.slice(MAX_IN_HANDSHAKE);
    this.missed = missed;
    this.socket.open(this.http.url, this.http.token ?? "", tokens.slice(0, MAX_IN_HANDSHAKE));
  }

  private handleOpen(): void {
    this.looks = setInterval(() => {
      this.outbox.sendAgainAfter(ECHO_MS);
      void this.flush();
    }, LOOK_EVERY_MS);
    this.hasOpened = true;
    this.outbox.sendAgainAfter(0);
    this.setStatus("open");
    if (this.unresumed.length > 0) void this.resume(this.unresumed);
    for (const room_id of this.missed) this.emit("not_recovered", { room_id });
    void this.flush();
  }

  /** Resumes rooms for which the handshake had no place. */
  private async resume(tokens: [number, string][]): Promise<void> {
    for (const [room] of tokens) this.rooms.beginReplay(room);
    try {
      await this.socket.command("resume", { rooms: Object.fromEntries(tokens) });
    } catch (error) {
      const isLost = error instanceof Refused && error.code === "lost";
      // The next connection resumes them.
      if (isLost) return;
      for (const [room_id] of tokens) this.handleEvent({ type: "not_recovered", payload: { room_id } });
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
      await this.socket.command("send_message", entry.message);
      this.outbox.markDone(entry);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // The next connection sends it again.
      if (error.code === "lost") return;
      const wait = resendWaitMs(error);
      if (wait !== null) return new Promise((resolve) => setTimeout(resolve, wait));
      this.outbox.refuse(entry, error);
      this.emit("refused", { message: entry.message, error });
    }
  }

  /** The server was not reached, or refuses to list the rooms. */
  private handleFailure(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) return this.end("unauthenticated", error.message);
    this.wait(error.retryAfterMs);
  }

  private handleLoss(event: Close | null, wasStable: boolean): void {
    this.disconnect();
    if (event && FINAL.has(event.code)) return this.end(event.code, event.reason);
    if (wasStable) this.attempt = 0;
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

  private disconnect(): void {
    clearTimeout(this.timer);
    clearInterval(this.looks);
    this.epoch += 1;
    this.socket.close();
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
