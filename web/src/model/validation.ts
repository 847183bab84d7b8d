// Validates names and passwords before they are sent, by the server's own limits.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { Refused } from "../net/refused";

const NAME_MAX_CHARS = 32;
const STATUS_MAX_CHARS = 100;
const PASSWORD_MIN_CHARS = 6;
/** bcrypt reads no more. */
const PASSWORD_MAX_BYTES = 71;

export const FIELDS = ["username", "password", "confirm", "invite"] as const;

export type FormErrors = Partial<Record<(typeof FIELDS)[number] | "form", string>>;

/** The errors of a registration, or of a login if there is no confirmation. */
export function validate(username: string, password: string, confirm: string | null): FormErrors {
  const errors: FormErrors = {};
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

/** What is wrong with a new name; `undefined` if nothing is. */
export function checkName(name: string): string | undefined {
  return validate(name, "x", null).username;
}

/** What is wrong with a status text; `undefined` if nothing is. */
export function checkStatus(text: string): string | undefined {
  return Array.from(text.trim()).length > STATUS_MAX_CHARS ? t("error.statusLength") : undefined;
}

/** What is wrong with a new password; `undefined` if nothing is. */
export function checkNewPassword(password: string): string | undefined {
  return validate("x", password, password).password;
}

/** Puts an error of the server under the field that it is about. */
export function serverErrors(error: unknown): FormErrors {
  return { [fieldOf(error)]: errorText(error) };
}

function fieldOf(error: unknown): keyof FormErrors {
  if (!(error instanceof Refused)) return "form";
  if (error.code === "name_taken") return "username";
  if (error.code === "weak_password") return "password";
  if (error.code === "invite_required" || error.code === "invite_invalid") return "invite";
  return FIELDS.find((name) => name === error.field) ?? "form";
}
