// Refusals: why a request, a command or a message was not done.

import type { ErrorCode } from "./generated/types.ts";

/**
 * What happens without an answer of the server: no connection, or none any more (`lost`), no answer in time, a server that
 * is not reached, a message that waited for so long that it could be stored twice.
 */
export type LocalCode = "lost" | "timeout" | "unreachable" | "expired";

export interface RefusalDetails {
  status?: number | undefined;
  field?: string | undefined;
  retryAfterMs?: number | undefined;
}

export class Refused extends Error {
  readonly code: ErrorCode | LocalCode;
  /** The HTTP status; absent for what was refused on the socket. */
  readonly status: number | undefined;
  /** The field that is missing, invalid or of a wrong length. */
  readonly field: string | undefined;
  /** How long the server asks to wait before another try. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode | LocalCode, message: string = code, details: RefusalDetails = {}) {
    super(message);
    this.name = "Refused";
    this.code = code;
    this.status = details.status;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
  }
}
