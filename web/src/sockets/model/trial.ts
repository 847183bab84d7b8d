// The connection that is tried, and the log of its frames.

import { computed, signal } from "@preact/signals";
import { storage } from "../../settings/storage";
import { type AsyncApi, type Channel, channelsOf, pathOf, withToken } from "./document";

export type State = "closed" | "opening" | "open";

export interface Entry {
  id: number;
  at: Date;
  /** An entry of the log: a frame, or a change of the connection. */
  kind: "sent" | "received" | "opened" | "refused" | "foreign" | "closed";
  text: string;
  code?: number;
}

/** Older entries are dropped. */
const MAX_ENTRIES = 300;

export const channels = signal<Channel[]>([]);
/** Whether the document could not be loaded. */
export const hasFailed = signal(false);
export const chosen = signal("");
export const channel = computed(() => channels.value.find(({ name }) => name === chosen.value));
export const address = signal("");
/** The token of the chat in this browser, if its user is logged in. */
export const token = signal(storage.get("token") ?? "");
export const frame = signal("");
export const state = signal<State>("closed");
export const log = signal<Entry[]>([]);

let socket: WebSocket | null = null;
let entries = 0;

export async function load(): Promise<void> {
  hasFailed.value = false;
  try {
    const answer = await fetch("/asyncapi.json", { signal: AbortSignal.timeout(15_000) });
    channels.value = channelsOf((await answer.json()) as AsyncApi);
    choose(channels.value[0]?.name ?? "");
  } catch {
    hasFailed.value = true;
  }
}

/** Chooses a channel. An open connection stays what it is until it is closed. */
export function choose(name: string): void {
  chosen.value = name;
  address.value = channel.value?.address ?? "";
  frame.value = channel.value?.examples[0]?.frame ?? "";
}

function note(entry: Omit<Entry, "id" | "at">): void {
  entries += 1;
  log.value = [...log.value, { ...entry, id: entries, at: new Date() }].slice(-MAX_ENTRIES);
}

export function clearLog(): void {
  log.value = [];
}

export function connect(): void {
  const shown = pathOf(address.value);
  if (shown === null) return note({ kind: "foreign", text: address.value });
  const opening = new WebSocket(location.origin.replace("http", "ws") + withToken(shown, token.value.trim()));
  socket = opening;
  state.value = "opening";
  opening.addEventListener("open", () => {
    state.value = "open";
    note({ kind: "opened", text: shown });
  });
  opening.addEventListener("message", ({ data }) => note({ kind: "received", text: pretty(String(data)) }));
  opening.addEventListener("close", ({ code, reason }) => {
    // The user did not wait for it.
    if (socket !== opening) return;
    const wasOpen = state.value === "open";
    socket = null;
    state.value = "closed";
    note(wasOpen ? { kind: "closed", text: reason, code } : { kind: "refused", text: shown });
  });
}

export function disconnect(): void {
  socket?.close(1000);
  if (state.value !== "opening") return;
  socket = null;
  state.value = "closed";
}

export function send(): void {
  if (state.value !== "open" || !socket) return;
  // Sent as it is typed, JSON or not, to see the response.
  socket.send(frame.value);
  note({ kind: "sent", text: frame.value });
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON with line breaks. What would change by reading it, as large numbers, and all else is shown as it came. */
export function pretty(text: string): string {
  if (!isJson(text)) return text;
  const value: unknown = JSON.parse(text);
  return JSON.stringify(value) === text ? JSON.stringify(value, null, 2) : text;
}

/** Requests a token as in document 000. Returns the status of an error, or 0 without a response. */
export async function logIn(username: string, password: string): Promise<number | null> {
  try {
    const answer = await fetch("/api/v1/auth/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username, password }),
      signal: AbortSignal.timeout(15_000),
    });
    if (!answer.ok) return answer.status;
    token.value = ((await answer.json()) as { token: string }).token;
    return null;
  } catch {
    return 0;
  }
}
