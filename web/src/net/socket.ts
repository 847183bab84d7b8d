// One WebSocket to the server, kept alive and reopened after a loss.
//
// Every command carries a `ref`, which its answer repeats: answers may come in any order. A plain ping, without a
// `ref`, keeps the connection alive and finds out whether it still is.

import { signal } from "@preact/signals";
import { backoffMs, hintedMs } from "./backoff";
import { Refused } from "./refused";
import type { AnswerFrame, ClientFrame, ClientPayloads, EventFrame, Message, ServerFrame } from "./types";

/** `waiting` until the time in `retryAt`. */
export type Status = "closed" | "connecting" | "open" | "waiting";

export type Command = Exclude<ClientFrame, { type: "ping" }>;

interface PendingCommand {
  resolve: (answer: AnswerFrame) => void;
  reject: (error: Refused) => void;
  timer: number;
}

interface Hooks {
  /** The rooms that a reconnection resumes, with the token of the last message of each. */
  since: () => Iterable<[number, string]>;
  /** Gets every frame that is not the answer to a command. */
  onEvent: (frame: EventFrame) => void;
  /** Runs once a connection is open. `isAgain` tells whether there was one before. */
  onOpen: (isAgain: boolean) => void;
  /** Runs when the server may have refused the token, which only HTTP can tell. */
  onTokenDoubt: () => void;
}

const CHECK_EVERY_MS = 5000;
const PING_EVERY_MS = 20_000;
/** How long a handshake, a ping and most commands may take. */
const ANSWER_MS = 10_000;
/** Histories and the replay of missed events may be large. */
const LARGE_ANSWER_MS = 30_000;
/** Connections that were open for longer start over with the shortest wait. */
const STABLE_MS = 10_000;

/** Close codes of servers that stop or restart, and of what stands before them. */
const GOING_AWAY: ReadonlySet<number> = new Set([1001, 1012]);

/** A page of a history, oldest first. */
export interface HistoryPage {
  messages: Message[];
  /** Whether the page was too large, and its oldest messages are left out. */
  isCut: boolean;
}

export class Connection {
  readonly status = signal<Status>("closed");
  /** Whether the last connection ended because the server went away on purpose. */
  readonly isServerAway = signal(false);
  /** The time of the next attempt. */
  readonly retryAt = signal(0);
  private socket: WebSocket | null = null;
  /** Commands without an answer so far, by `ref`. */
  private readonly pending = new Map<string, PendingCommand>();
  private lastRef = 0;
  private attempt = 0;
  private openedAt = 0;
  private hasOpened = false;
  private timer = 0;
  private watchdog = 0;
  private pingedAt = 0;
  /** Frames that have arrived. A pong is missing as long as their number is the one at the ping. */
  private received = 0;
  private receivedAtPing: number | null = null;
  private hooks: Hooks = { since: () => [], onEvent: () => {}, onOpen: () => {}, onTokenDoubt: () => {} };
  private readonly token: () => string | null;

  constructor(token: () => string | null) {
    this.token = token;
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.socket && this.handleLoss(null));
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  listen(hooks: Hooks): void {
    this.hooks = hooks;
  }

  start(): void {
    if (this.status.value === "closed") this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.closeSocket();
    this.hasOpened = false;
    this.isServerAway.value = false;
    this.attempt = 0;
    this.status.value = "closed";
  }

  /** Connects at once instead of waiting. Checks an open connection. */
  retryNow(): void {
    if (this.status.value === "waiting") this.connect();
    else if (this.status.value === "open") this.check(0);
  }

  /**
   * Sends a command. Resolves once the server has done it.
   *
   * # Errors
   * `Refused` with the code of the server, `lost` if the connection ends first, `timeout` if there is no answer. After
   * the last two the server may have done the command.
   */
  async command(frame: Command): Promise<void> {
    await this.send(frame, frame.type === "resume" ? LARGE_ANSWER_MS : ANSWER_MS);
  }

  /**
   * Fetches a page of a history.
   *
   * # Errors
   * As `command`.
   */
  async fetchHistory(payload: ClientPayloads["fetch_history"]): Promise<HistoryPage> {
    const answer = await this.send({ type: "fetch_history", payload }, LARGE_ANSWER_MS);
    if (answer.type !== "message_history") throw new Refused("internal", `${answer.type} without a history`);
    return { messages: answer.payload.messages, isCut: answer.payload.cut ?? false };
  }

  private send({ type, payload }: Command, timeoutMs: number): Promise<AnswerFrame> {
    const { socket } = this;
    if (!socket || this.status.value !== "open") return Promise.reject(new Refused("lost"));
    this.lastRef += 1;
    const ref = String(this.lastRef);
    const { received } = this;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => this.expire(ref, received), timeoutMs);
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

  private connect(): void {
    clearTimeout(this.timer);
    this.closeSocket();
    const token = this.token();
    if (!token) return;
    this.status.value = "connecting";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws?${this.query(token)}`);
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.openedAt = Date.now();
      this.receivedAtPing = null;
      this.status.value = "open";
      this.isServerAway.value = false;
      this.watchdog = window.setInterval(() => this.check(), CHECK_EVERY_MS);
      this.hooks.onOpen(this.hasOpened);
      this.hasOpened = true;
    };
    socket.onmessage = (event) => this.socket === socket && this.handleText(String(event.data));
    socket.onclose = (event) => this.socket === socket && this.handleLoss(event);
    // Gives up a handshake that hangs.
    this.timer = window.setTimeout(
      () => this.status.value === "connecting" && this.handleLoss(null),
      ANSWER_MS,
    );
  }

  /** The query of the handshake. It resumes rooms, because events could overtake a command. */
  private query(token: string): string {
    const resumed = this.hasOpened ? [...this.hooks.since()] : [];
    const since = resumed.map(([room, resume]) => `&since=${room}:${resume}`);
    return `ext=1&token=${encodeURIComponent(token)}${since.join("")}`;
  }

  private handleText(text: string): void {
    this.received += 1;
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
        return this.take(frame.payload.ref)?.resolve(frame);
      case "error":
        return this.handleRefusal(frame.payload);
      default:
        this.hooks.onEvent(frame);
    }
  }

  /** Rejects the command of an error. Errors without a `ref` belong to no command. */
  private handleRefusal({ ref, code, message, field, retry_after_ms }: ErrorPayload): void {
    this.take(ref)?.reject(new Refused(code, message, { field, retryAfterMs: retry_after_ms }));
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

  private handleLoss(event: CloseEvent | null): void {
    const wasConnected = this.status.value === "open";
    this.closeSocket();
    if (wasConnected && Date.now() - this.openedAt > STABLE_MS) this.attempt = 0;
    if (event && GOING_AWAY.has(event.code)) this.isServerAway.value = true;
    const hint = hintedMs(event?.reason ?? "");
    const wait = hint ?? backoffMs(this.attempt);
    this.attempt += 1;
    if (!wasConnected || event?.code === 1008) this.hooks.onTokenDoubt();
    if (!this.token()) return;
    this.status.value = "waiting";
    this.retryAt.value = Date.now() + wait;
    this.timer = window.setTimeout(() => this.connect(), wait);
  }

  private closeSocket(): void {
    clearTimeout(this.timer);
    clearInterval(this.watchdog);
    const { socket } = this;
    this.socket = null;
    socket?.close();
    for (const ref of [...this.pending.keys()]) this.take(ref)?.reject(new Refused("lost"));
  }
}

type ErrorPayload = Extract<ServerFrame, { type: "error" }>["payload"];
