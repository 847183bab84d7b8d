// The state of the dashboard: the last metrics, their age, and the failure since then.

import { computed, effect, signal, untracked } from "@preact/signals";
import { token } from "../../model/session";
import { ApiError } from "../../net/http";
import { loadMetrics, type Metrics } from "./metrics";
import { Poller } from "./poller";
import { view } from "./view";

/** Metrics that are older are not live. */
export const STALE_MS = 10_000;

export type FailureKind = "unreachable" | "unavailable" | "server" | "refused" | "forbidden";
export interface Failure {
  kind: FailureKind;
  status: number;
  retryAt: number | null;
}

export const metrics = signal<Metrics | null>(null);
export const receivedAt = signal(0);
export const failure = signal<Failure | null>(null);
/** The time, updated every second while the page is visible. */
export const clock = signal(Date.now());

/** Whether the metrics belong to the current view. Others are only a backdrop until these arrive. */
export const isCurrentView = computed(() => {
  const { range, node } = view.value;
  return metrics.value?.range === range && (metrics.value.node ?? null) === node;
});
export const ageMs = computed(() => Math.max(0, clock.value - receivedAt.value));
export const isLive = computed(
  () => isCurrentView.value && failure.value === null && ageMs.value <= STALE_MS,
);

export function failureOf(error: unknown): Failure {
  const status = error instanceof ApiError ? error.status : 0;
  if (status === 403) return { kind: "forbidden", status, retryAt: null };
  if (status === 0) return { kind: "unreachable", status, retryAt: null };
  if (status === 503) return { kind: "unavailable", status, retryAt: null };
  const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return { kind: isRefused ? "refused" : "server", status, retryAt: null };
}

const poller = new Poller<Metrics>({
  load: (signal) => loadMetrics(view.peek(), signal),
  onData: (data) => {
    receivedAt.value = clock.value = Date.now();
    failure.value = null;
    metrics.value = data;
  },
  onError: (error, retryAt) => {
    failure.value = { ...failureOf(error), retryAt };
    // Hides the metrics from a user who lost access.
    if (failure.peek()?.kind === "forbidden") metrics.value = null;
  },
  isFinal: (error) => error instanceof ApiError && (error.status === 401 || error.status === 403),
});

export const refreshNow = () => poller.pollNow();

/** Polls as long as a user is logged in and the page is visible. */
export function startPolling(): void {
  effect(() => {
    const isWanted = view.value && token.value !== null;
    untracked(() => {
      failure.value = null;
      if (isWanted && !document.hidden) poller.pollNow();
      else poller.pause();
    });
  });
  let ticking: ReturnType<typeof setInterval> | undefined;
  const onVisibility = () => {
    clearInterval(ticking);
    if (document.hidden) return poller.pause();
    // The clock first ticks after a second: by then new metrics have replaced the old ones.
    ticking = setInterval(() => {
      clock.value = Date.now();
    }, 1_000);
    if (token.peek() === null || failure.peek()?.kind === "forbidden") return;
    if (failure.peek()) poller.pollNow();
    else poller.resume();
  };
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("online", onVisibility);
  onVisibility();
}
