// One WebSocket to the server, kept alive and reopened after a loss.
//
// The server answers few commands, and its errors name none. But it does what a connection asks in order, so each
// command is followed by a ping: an error before the pong is the command's, the pong says that it was done.

import { signal } from "@preact/signals";
import { backoffMs, hintedMs } from "./backoff";
import type { ClientFrame, Message, ServerFrame } from "./types";

/** `waiting` until the time in `retryAt`. */
export type Status = "closed" | "connecting" | "open" | "waiting";

/** The refusal of a command, with the words of the server; `null` when the connection was lost meanwhile. */
export class Refused extends Error {
  readonly isLost: boolean;
  constructor(words: string | null) {
    super(words ?? "connection lost");
    this.isLost = words === null;
  }
}

interface PendingCommand {
  resolve: (history: Message[]) => void;
  reject: (error: Refused) => void;
  history: Message[];
  error: string | null;
  at: number;
}

interface Hooks {
  /** Gets every frame that is not the answer to a command. */
  onEvent: (frame: ServerFrame) => void;
  /** Runs once a connection is open. `isAgain` tells whether there was one before. */
  onOpen: (isAgain: boolean) => void;
  /** Runs when the server may have refused the token, which only HTTP can tell. */
  onTokenDoubt: () => void;
}

const CHECK_EVERY_MS = 5000;
const PING_EVERY_MS = 20_000;
const ANSWER_MS = 10_000;
const STABLE_MS = 10_000;

export class Connection {
  readonly status = signal<Status>("closed");
  /** The time of the next attempt. */
  readonly retryAt = signal(0);
  private socket: WebSocket | null = null;
  private pending: PendingCommand[] = [];
  private attempt = 0;
  private openedAt = 0;
  private hasOpened = false;
  private timer = 0;
  private watchdog = 0;
  private pingedAt = 0;
  private hooks: Hooks = { onEvent: () => {}, onOpen: () => {}, onTokenDoubt: () => {} };
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
    this.attempt = 0;
    this.status.value = "closed";
  }

  /** Connects at once instead of waiting. Checks an open connection. */
  retryNow(): void {
    if (this.status.value === "waiting") this.connect();
    else if (this.status.value === "open") this.check(0);
  }

  /** Sends a command. Resolves once the server has done it, with the messages if it asked for a history. */
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
    this.closeSocket();
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
      this.watchdog = window.setInterval(() => this.check(), CHECK_EVERY_MS);
      this.hooks.onOpen(this.hasOpened);
      this.hasOpened = true;
    };
    socket.onmessage = (event) => this.socket === socket && this.handleFrame(String(event.data));
    socket.onclose = (event) => this.socket === socket && this.handleLoss(event);
    // Gives up a handshake that hangs.
    this.timer = window.setTimeout(
      () => this.status.value === "connecting" && this.handleLoss(null),
      ANSWER_MS,
    );
  }

  private handleFrame(text: string): void {
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

  /** Gives up the connection if it no longer answers, and pings it if nothing was asked for a while. */
  private check(everyMs = PING_EVERY_MS): void {
    const now = Date.now();
    const first = this.pending[0];
    if (first && now - first.at > ANSWER_MS) return this.handleLoss(null);
    if (first || now - this.pingedAt < everyMs) return;
    this.pingedAt = now;
    this.command({ type: "ping", payload: {} }).catch(() => {});
  }

  private handleLoss(event: CloseEvent | null): void {
    const wasConnected = this.status.value === "open";
    this.closeSocket();
    if (wasConnected && Date.now() - this.openedAt > STABLE_MS) this.attempt = 0;
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
    const { socket, pending } = this;
    this.socket = null;
    this.pending = [];
    socket?.close();
    for (const command of pending) command.reject(new Refused(null));
  }
}
