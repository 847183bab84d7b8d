// How a message is sent until it is known to be stored: what the outbox here and that of the package in
// `web/clients/typescript`, which has a copy of this file, know of the server.

/** How old a message may be that is sent again. The server remembers a client id for 24 hours. */
export const MAX_AGE_MS = 23 * 3600_000;
/** How long the echo of a stored message may take. */
export const ECHO_MS = 8000;
/** After these a message is sent again by itself, under the same client id. */
const TEMPORARY: ReadonlySet<string> = new Set(["rate_limited", "unavailable", "timeout"]);
/** The wait before that, unless the server asks for another. */
const RETRY_MS = 1500;
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;

export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface Refusal {
  code: string;
  retryAfterMs?: number | null | undefined;
}

/** How long to wait before a refused message is sent again; `null` if the refusal is final. */
export function resendWaitMs({ code, retryAfterMs }: Refusal): number | null {
  if (!TEMPORARY.has(code)) return null;
  return Math.min(Math.max(retryAfterMs ?? RETRY_MS, MIN_RETRY_MS), MAX_RETRY_MS);
}
