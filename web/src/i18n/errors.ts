// The texts of errors.

import { type Code, Refused } from "../net/refused";
import { type Key, t } from ".";

const CODES: Record<Code, Key> = {
  malformed: "error.invalid",
  missing: "error.missing",
  invalid: "error.invalid",
  length: "error.length",
  weak_password: "error.passwordWeak",
  global_room: "error.globalRoom",
  direct_room: "error.directRoom",
  permanent_room: "error.permanentRoom",
  unauthenticated: "error.unauthenticated",
  bad_credentials: "error.credentials",
  wrong_password: "error.wrongPassword",
  forbidden: "error.forbidden",
  removed: "error.removed",
  blocked: "error.blocked",
  unacquainted: "error.unacquainted",
  too_many_blocked: "error.tooManyBlocked",
  room_not_found: "error.room",
  message_not_found: "error.message",
  not_editable: "error.notEditable",
  too_late: "error.tooLate",
  too_many_reactions: "error.tooManyReactions",
  too_many_pins: "error.tooManyPins",
  user_not_found: "error.user",
  user_offline: "error.userOffline",
  not_found: "error.notFound",
  method_not_allowed: "error.invalid",
  registration_closed: "error.registrationClosed",
  invite_required: "error.inviteRequired",
  invite_invalid: "error.inviteInvalid",
  link_invalid: "error.linkUnknown",
  link_expired: "error.linkExpired",
  link_used_up: "error.linkUsedUp",
  too_many_links: "error.tooManyLinks",
  name_taken: "error.taken",
  email_taken: "error.emailTaken",
  client_id_reused: "error.invalid",
  too_many_rooms: "error.tooManyRooms",
  too_large: "error.large",
  unsupported_type: "error.image",
  rate_limited: "error.slow",
  slow_mode: "error.slowMode",
  unavailable: "error.unavailable",
  storage_full: "error.storageFull",
  internal: "error.server",
  lost: "error.network",
  timeout: "error.timeout",
  unreachable: "error.network",
  unreadable: "error.server",
  cancelled: "error.cancelled",
};

/** More exact texts for some fields. */
const FIELDS: Record<string, Key> = {
  "missing username": "check.username",
  "missing password": "check.password",
  "missing credentials": "error.required",
  "missing file": "error.file",
  "missing image": "error.image",
  "invalid username": "error.usernameInvalid",
  "invalid name": "error.nameInvalid",
  "invalid avatar": "error.pictureInvalid",
  "invalid status_text": "error.statusInvalid",
  "invalid file_url": "error.linkInvalid",
  "invalid content": "error.linkInvalid",
  "invalid file": "error.file",
  "unsupported_type file": "error.file",
  "invalid image": "error.image",
  "invalid reply_to": "error.replyInvalid",
  "invalid forwarded_from": "error.forwardInvalid",
  "length username": "check.usernameLong",
  "length password": "error.passwordLength",
  "length name": "error.nameLength",
  "length description": "error.descriptionLength",
  "length content": "error.contentLength",
  "length status_text": "error.statusLength",
};

/** Texts that say how long to wait. */
const WAITS: Partial<Record<Code, Key>> = { rate_limited: "error.slowFor", slow_mode: "error.slowModeFor" };

/** How long a wait still takes, rounded up. */
export function waitText(ms: number): string {
  const secs = Math.ceil(ms / 1000);
  if (secs < 120) return t("wait.seconds", { n: secs });
  const minutes = Math.ceil(secs / 60);
  return minutes < 120 ? t("wait.minutes", { n: minutes }) : t("wait.hours", { n: Math.ceil(minutes / 60) });
}

/** The text for a code, with how long to wait if that is known; empty for codes that this version does not know. */
export function codeText(code: Code, field?: string | null, waitMs?: number | null): string {
  const waiting = waitMs ? WAITS[code] : undefined;
  if (waiting && waitMs) return t(waiting, { time: waitText(waitMs) });
  const key = FIELDS[`${code} ${field}`] ?? CODES[code];
  return key ? t(key) : "";
}

/** The text for an error. A refusal with an unknown code has the words of the server. */
export function errorText(error: unknown): string {
  if (!(error instanceof Refused)) return t("error.unexpected");
  return codeText(error.code, error.field, error.retryAfterMs) || error.message;
}
