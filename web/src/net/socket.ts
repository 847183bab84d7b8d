// The connection to the server, opened again after a loss.

import { signal } from "@preact/signals";
import { backoffMs, hintedMs } from "./backoff";
import { type Close, CommandSocket, type HistoryPage } from "./command_socket";
import { Refused } from "./refused";
import type { ClientFrame, ClientPayloads, EventFrame } from "./types";

/** `waiting` until the time in `retryAt`. */
export type Status = "closed" | "connecting" | "open" | "waiting";

export type Command = Exclude<ClientFrame, { type: "ping" }>;

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

/** How long after an event further ones are gathered, to be drawn together: in a busy room they come faster than that. */
const GATHER_MS = 50;
/** Close codes of servers that stop or restart, and of what stands before them. */
const GOING_AWAY: ReadonlySet<number> = new Set([1001, 1012]);

export class Connection {
  readonly status = signal<Status>("closed");
  /** Whether the last connection ended because the server went away on purpose. */
  readonly isServerAway = signal(false);
  /** The time of the next attempt. */
  readonly retryAt = signal(0);
  #attempt = 0;
  #hasOpened = false;
  #timer = 0;
  /** Events that are not applied yet, and the timer that will do it. */
  readonly #gathered: EventFrame[] = [];
  #gathering = 0;
  #hooks: Hooks = { since: () => [], onEvent: () => {}, onOpen: () => {}, onTokenDoubt: () => {} };
  readonly #token: () => string | null;
  readonly #socket = new CommandSocket({
    makeSocket: (url) => new WebSocket(url),
    Refused,
    onOpen: () => this.#handleOpen(),
    onEvent: (frame) => this.#handleEvent(frame),
    onLoss: (event, wasStable) => this.#handleLoss(event, wasStable),
  });

  constructor(token: () => string | null) {
    this.#token = token;
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#socket.giveUp());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  listen(hooks: Hooks): void {
    this.#hooks = hooks;
  }

  start(): void {
    if (this.status.value === "closed") this.#connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#gathered.length = 0;
    this.#socket.close();
    this.#hasOpened = false;
    this.isServerAway.value = false;
    this.#attempt = 0;
    this.status.value = "closed";
  }

  /** Connects at once instead of waiting. Checks an open connection. */
  retryNow(): void {
    if (this.status.value === "waiting") this.#connect();
    else if (this.status.value === "open") this.#socket.check(0);
  }

  /**
   * Sends a command. Resolves once the server has done it.
   *
   * # Errors
   * `Refused` with the code of the server, `lost` if the connection ends first, `timeout` if there is no answer. After
   * the last two the server may have done the command.
   */
  command({ type, payload }: Command): Promise<void> {
    return this.#socket.command(type, payload).finally(() => this.#apply());
  }

  /**
   * Fetches a page of a history.
   *
   * # Errors
   * As `command`.
   */
  fetchHistory(payload: ClientPayloads["fetch_history"]): Promise<HistoryPage> {
    return this.#socket.fetchHistory(payload).finally(() => this.#apply());
  }

  #connect(): void {
    clearTimeout(this.#timer);
    const token = this.#token();
    if (!token) return;
    this.status.value = "connecting";
    this.#socket.open(location.origin, token, this.#hasOpened ? this.#hooks.since() : []);
  }

  #handleOpen(): void {
    this.status.value = "open";
    this.isServerAway.value = false;
    this.#hooks.onOpen(this.#hasOpened);
    this.#hasOpened = true;
  }

  #handleEvent(frame: EventFrame): void {
    this.#gathered.push(frame);
    // The timers of a hidden page are slow, and it draws nothing.
    if (!this.#gathering || document.hidden) this.#apply();
  }

  /** Applies the gathered events. What follows from an answer finds all events applied that came before it. */
  #apply(): void {
    if (this.#gathered.length === 0) return;
    clearTimeout(this.#gathering);
    this.#gathering = window.setTimeout(() => {
      this.#gathering = 0;
      this.#apply();
    }, GATHER_MS);
    for (let frame = this.#gathered.shift(); frame; frame = this.#gathered.shift())
      this.#hooks.onEvent(frame);
  }

  #handleLoss(event: Close | null, wasStable: boolean): void {
    this.#apply();
    const wasOpen = this.status.value === "open";
    if (wasStable) this.#attempt = 0;
    if (event && GOING_AWAY.has(event.code)) this.isServerAway.value = true;
    const wait = hintedMs(event?.reason ?? "") ?? backoffMs(this.#attempt);
    this.#attempt += 1;
    if (!wasOpen || event?.code === 1008) this.#hooks.onTokenDoubt();
    if (!this.#token()) return;
    this.status.value = "waiting";
    this.retryAt.value = Date.now() + wait;
    this.#timer = window.setTimeout(() => this.#connect(), wait);
  }
}
