const BASE_MS = 500;
const MAX_MS = 20_000;
const MAX_HINT_MS = 60_000;

/**
 * How long to wait before attempt number `attempt`, from 0: a random part of a bound that doubles up to a maximum.
 * Clients that lost their connections together do not come back together.
 */
export function backoffMs(attempt: number, random = Math.random): number {
  const bound = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(attempt, 10));
  return Math.round(bound * (0.3 + 0.7 * random()));
}

/** The waiting time in the close reason of a server that stops, such as `restart, retry_after_ms=1234`. */
export function hintedMs(reason: string): number | null {
  const hint = /retry_after_ms=(\d{1,6})\b/.exec(reason);
  return hint ? Math.min(Number(hint[1]), MAX_HINT_MS) : null;
}
