// Errors of commands and requests.

import type { ErrorCode } from "./types";

/** Errors without a response of the server. */
type LocalCode = "lost" | "timeout" | "unreachable" | "unreadable" | "cancelled";

export type Code = ErrorCode | LocalCode;

export interface RefusalDetails {
  field?: string;
  retryAfterMs?: number;
}

export class Refused extends Error {
  readonly code: Code;
  /** The field that is missing, invalid or of a wrong length. */
  readonly field: string | null;
  /** How long the server asks to wait before another attempt. */
  readonly retryAfterMs: number | null;

  /** The message is that of the server. Only codes that this version does not know make it visible. */
  constructor(code: Code, message: string = code, { field, retryAfterMs }: RefusalDetails = {}) {
    super(message);
    this.code = code;
    this.field = field ?? null;
    this.retryAfterMs = retryAfterMs ?? null;
  }
}

/** When the server accepts another attempt; `null` if it did not say. */
export function retryTime({ retryAfterMs }: Refused): number | null {
  return retryAfterMs === null ? null : Date.now() + retryAfterMs;
}
