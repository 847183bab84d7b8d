// One WebSocket to the server, kept alive and taken up again when it is lost.
//
// The server answers few commands, and its errors name none. But it does what a connection asks in order, so each
// command is followed by a ping: an error before the pong is the command's, the pong says that it was done.

import { signal } from "@preact/signals";
import { backoffMs, hintedMs } from "./backoff";
import type { ClientFrame, Message, ServerFrame } from "./types";

/** `waiting` until the time in `retryAt`. */
export type Status = "closed" | "connecting" | "open" | "waiting";

/** What a command was refused with, or `null` words when the connection was lost meanwhile. */
export class Refused extends Error {
  readonly isLost: boolean;
  constructor(words: string | null) {
    super(words ?? "connection lost");
    this.isLost = words === null;
  }
}

interface Transaction {
  resolve: (history: Message[]) => void;
  reject: (error: Refused) => void;
  history: Message[];
  error: string | null;
  at: number;
}

interface Hooks {
  /** A frame that answers nothing. */
  onEvent: (frame: ServerFrame) => void;
  /** A connection stands. `isAgain` when there was one before. */
  onOpen: (isAgain: boolean) => void;
  /** The server may have refused the token: it says so only over HTTP. */
  onDoubt: () => void;
}

const CHECK_EVERY_MS = 5000;
const PING_EVERY_MS = 20_000;
const ANSWER_MS = 10_000;
const STABLE_MS = 10_000;

export class Connection {
  readonly status = signal<Status>("closed");
  /** When the next attempt is made. */
  readonly retryAt = signal(0);
  private socket: WebSocket | null = null;
  private pending: Transaction[] = [];
  private attempt = 0;
  private openedAt = 0;
  private wasOpen = false;
  private timer = 0;
  private watch = 0;
  private pingedAt = 0;
  private hooks: Hooks = { onEvent: () => {}, onOpen: () => {}, onDoubt: () => {} };
  private readonly token: () => string | null;

  constructor(token: () => string | null) {
    this.token = token;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.socket && this.lose(null));
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  listen(hooks: Hooks): void {
    this.hooks = hooks;
  }

  start(): void {
    if (this.status.value === "closed") this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.drop();
    this.wasOpen = false;
    this.attempt = 0;
    this.status.value = "closed";
  }

  /** Tries at once instead of waiting; finds out whether an open connection still is one. */
  hurry(): void {
    if (this.status.value === "waiting") this.connect();
    else if (this.status.value === "open") this.check(0);
  }

  /** Does a command. Resolves once the server has done it, with the messages when a history was asked for. */
  command(frame: ClientFrame): Promise<Message[]> {
    const socket = this.socket;
    if (!socket || this.status.value !== "open") return Promise.reject(new Refused(null));
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject, history: [], error: null, at: Date.now() });
      if (frame.type !== "ping") socket.send(JSON.stringify(frame));
      socket.send('{"type":"ping","payload":{}}');
    });
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.drop();
    const token = this.token();
    if (!token) return;
    this.status.value = "connecting";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws?ext=1&token=${encodeURIComponent(token)}`);
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.openedAt = Date.now();
      this.status.value = "open";
      this.watch = window.setInterval(() => this.check(), CHECK_EVERY_MS);
      this.hooks.onOpen(this.wasOpen);
      this.wasOpen = true;
    };
    socket.onmessage = (event) => this.socket === socket && this.take(String(event.data));
    socket.onclose = (event) => this.socket === socket && this.lose(event);
    // A handshake that hangs.
    this.timer = window.setTimeout(() => this.status.value === "connecting" && this.lose(null), ANSWER_MS);
  }

  private take(text: string): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    const first = this.pending[0];
    switch (frame.type) {
      case "pong":
        this.pending.shift();
        if (!first) return;
        if (first.error === null) first.resolve(first.history);
        else first.reject(new Refused(first.error));
        return;
      case "error":
        if (first) first.error = frame.payload.message;
        return;
      case "message_history":
        if (first) first.history = frame.payload.messages;
        return;
      default:
        this.hooks.onEvent(frame);
    }
  }

  /** Whether the connection still answers; asks when it has not been asked for a while. */
  private check(everyMs = PING_EVERY_MS): void {
    const now = Date.now();
    const first = this.pending[0];
    if (first && now - first.at > ANSWER_MS) return this.lose(null);
    if (first || now - this.pingedAt < everyMs) return;
    this.pingedAt = now;
    this.command({ type: "ping", payload: {} }).catch(() => {});
  }

  private lose(event: CloseEvent | null): void {
    const stood = this.status.value === "open";
    this.drop();
    if (stood && Date.now() - this.openedAt > STABLE_MS) this.attempt = 0;
    const hint = hintedMs(event?.reason ?? "");
    const wait = hint ?? backoffMs(this.attempt);
    this.attempt += 1;
    if (!stood || event?.code === 1008) this.hooks.onDoubt();
    if (!this.token()) return;
    this.status.value = "waiting";
    this.retryAt.value = Date.now() + wait;
    this.timer = window.setTimeout(() => this.connect(), wait);
  }

  private drop(): void {
    clearTimeout(this.timer);
    clearInterval(this.watch);
    const { socket, pending } = this;
    this.socket = null;
    this.pending = [];
    socket?.close();
    for (const transaction of pending) transaction.reject(new Refused(null));
  }
}
