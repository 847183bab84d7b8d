// Asks again and again: one request at a time, none while nobody looks, ever more slowly while it fails.

import { backoffMs } from "../../net/backoff";

export const EVERY_MS = 2_000;

export interface Asked<T> {
  load: (signal: AbortSignal) => Promise<T>;
  onData: (data: T) => void;
  /** `retryAt` is null when asking again is of no use by itself. */
  onError: (error: unknown, retryAt: number | null) => void;
  /** Whether a failure is a decision that will not change by asking. */
  isFinal: (error: unknown) => boolean;
}

/** How long to wait after so many failures in a row. */
export function retryMs(failures: number, random = Math.random): number {
  return Math.max(EVERY_MS, backoffMs(failures + 1, random));
}

export class Poller<T> {
  readonly #asked: Asked<T>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: AbortController | null = null;
  #failures = 0;
  #isAwake = false;

  constructor(asked: Asked<T>) {
    this.#asked = asked;
  }

  /** Asks at once and goes on; a request that is under way is given up, as its answer is no longer wanted. */
  ask(): void {
    this.#isAwake = true;
    clearTimeout(this.#timer);
    this.#running?.abort();
    void this.#run();
  }

  /** Goes on after `sleep`. A request that is still under way is waited for. */
  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    if (!this.#running) void this.#run();
  }

  /** Starts no more requests. */
  sleep(): void {
    this.#isAwake = false;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    let pause: number | null = EVERY_MS;
    try {
      const data = await this.#asked.load(running.signal);
      if (this.#running !== running) return;
      this.#failures = 0;
      this.#asked.onData(data);
    } catch (error) {
      if (this.#running !== running) return;
      this.#failures += 1;
      pause = this.#asked.isFinal(error) ? null : retryMs(this.#failures);
      this.#asked.onError(error, pause === null ? null : Date.now() + pause);
    }
    this.#running = null;
    if (pause !== null && this.#isAwake) this.#timer = setTimeout(() => void this.#run(), pause);
  }
}
