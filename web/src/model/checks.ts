// What a name and a password must be like, checked before the server is asked; the same limits are its own.

import { errorWords, t } from "../i18n";
import { ApiError } from "../net/http";

const NAME_MAX_CHARS = 32;
const PASSWORD_MIN_CHARS = 6;
/** bcrypt reads no more. */
const PASSWORD_MAX_BYTES = 71;

export const FIELDS = ["username", "password", "confirm"] as const;

export type Errors = Partial<Record<(typeof FIELDS)[number] | "form", string>>;

/** What is wrong with a registration, or, without a confirmation, with a login. */
export function check(username: string, password: string, confirm: string | null): Errors {
  const errors: Errors = {};
  const isNew = confirm !== null;
  if (!username.trim()) errors.username = t("check.username");
  else if (Array.from(username).length > NAME_MAX_CHARS) errors.username = t("check.usernameLong");
  if (!password) errors.password = t("check.password");
  else if (isNew && Array.from(password).length < PASSWORD_MIN_CHARS) errors.password = t("check.short");
  else if (isNew && new TextEncoder().encode(password).length > PASSWORD_MAX_BYTES)
    errors.password = t("check.long");
  if (isNew && !errors.password && confirm !== password) errors.confirm = t("check.confirm");
  return errors;
}

/** Where an error of the server belongs. */
export function place(error: unknown): Errors {
  const words = errorWords(error);
  if (!(error instanceof ApiError) || error.status === 0 || error.status >= 429) return { form: words };
  if (error.status === 409 || /^username(?! and)/i.test(error.message)) return { username: words };
  if (/^password/i.test(error.message)) return { password: words };
  return { form: words };
}
