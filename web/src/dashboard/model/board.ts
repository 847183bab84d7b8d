// What the board shows right now: the last metrics, how old they are, and what went wrong since.

import { computed, effect, signal, untracked } from "@preact/signals";
import { token } from "../../model/session";
import { ApiError } from "../../net/http";
import { loadMetrics, type Metrics } from "./metrics";
import { place } from "./place";
import { Poller } from "./poll";

/** Beyond this age metrics are not called live. */
export const STALE_MS = 10_000;

export type Trouble = "unreachable" | "away" | "server" | "refused" | "forbidden";
export interface Failure {
  trouble: Trouble;
  status: number;
  retryAt: number | null;
}

export const metrics = signal<Metrics | null>(null);
export const receivedAt = signal(0);
export const failure = signal<Failure | null>(null);
/** The time of day, a second at a time, while somebody looks. */
export const clock = signal(Date.now());

/** Whether the metrics are those that were asked for; others are only a backdrop while these come. */
export const isOfPlace = computed(() => {
  const { range, node } = place.value;
  return metrics.value?.range === range && (metrics.value.node ?? null) === node;
});
export const ageMs = computed(() => Math.max(0, clock.value - receivedAt.value));
export const isLive = computed(() => isOfPlace.value && failure.value === null && ageMs.value <= STALE_MS);

export function troubleOf(error: unknown): Failure {
  const status = error instanceof ApiError ? error.status : 0;
  if (status === 403) return { trouble: "forbidden", status, retryAt: null };
  if (status === 0) return { trouble: "unreachable", status, retryAt: null };
  if (status === 503) return { trouble: "away", status, retryAt: null };
  const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return { trouble: isRefused ? "refused" : "server", status, retryAt: null };
}

const poller = new Poller<Metrics>({
  load: (signal) => loadMetrics(place.peek(), signal),
  onData: (data) => {
    receivedAt.value = clock.value = Date.now();
    failure.value = null;
    metrics.value = data;
  },
  onError: (error, retryAt) => {
    failure.value = { ...troubleOf(error), retryAt };
    // Who may no longer look keeps nothing on the screen.
    if (failure.peek()?.trouble === "forbidden") metrics.value = null;
  },
  isFinal: (error) => error instanceof ApiError && (error.status === 401 || error.status === 403),
});

export const askNow = () => poller.ask();

/** Asks for as long as somebody is logged in and looks. */
export function start(): void {
  effect(() => {
    const isWanted = place.value && token.value !== null;
    untracked(() => {
      failure.value = null;
      if (isWanted && !document.hidden) poller.ask();
      else poller.sleep();
    });
  });
  let ticking: ReturnType<typeof setInterval> | undefined;
  const look = () => {
    clearInterval(ticking);
    if (document.hidden) return poller.sleep();
    // Who comes back has new metrics within a second, before the old ones are called old.
    ticking = setInterval(() => {
      clock.value = Date.now();
    }, 1_000);
    if (token.peek() === null || failure.peek()?.trouble === "forbidden") return;
    if (failure.peek()) poller.ask();
    else poller.wake();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("online", look);
  look();
}
