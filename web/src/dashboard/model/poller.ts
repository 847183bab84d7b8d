// Polls: one request at a time, none while paused, ever more slowly after failures.

import { backoffMs } from "../../net/backoff";

export const INTERVAL_MS = 2_000;

export interface PollerOptions<T> {
  load: (signal: AbortSignal) => Promise<T>;
  onData: (data: T) => void;
  /** `retryAt` is `null` if polling has stopped. */
  onError: (error: unknown, retryAt: number | null) => void;
  /** Whether a failure is final, so that polling stops. */
  isFinal: (error: unknown) => boolean;
}

/** The pause after a number of failures in a row. */
export function retryMs(failures: number, random = Math.random): number {
  return Math.max(INTERVAL_MS, backoffMs(failures + 1, random));
}

export class Poller<T> {
  readonly #options: PollerOptions<T>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: AbortController | null = null;
  #failures = 0;
  #isPolling = false;

  constructor(options: PollerOptions<T>) {
    this.#options = options;
  }

  /** Polls at once and continues. Aborts a running request, whose response is no longer needed. */
  pollNow(): void {
    this.#isPolling = true;
    clearTimeout(this.#timer);
    this.#running?.abort();
    void this.#run();
  }

  /** Continues after a pause. Waits for a request that is still running. */
  resume(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    if (!this.#running) void this.#run();
  }

  /** Starts no more requests. */
  pause(): void {
    this.#isPolling = false;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    let waitMs: number | null = INTERVAL_MS;
    try {
      const data = await this.#options.load(running.signal);
      if (this.#running !== running) return;
      this.#failures = 0;
      this.#options.onData(data);
    } catch (error) {
      if (this.#running !== running) return;
      this.#failures += 1;
      waitMs = this.#options.isFinal(error) ? null : retryMs(this.#failures);
      this.#options.onError(error, waitMs === null ? null : Date.now() + waitMs);
    }
    this.#running = null;
    if (waitMs !== null && this.#isPolling) this.#timer = setTimeout(() => void this.#run(), waitMs);
  }
}
