// What the user changes in the profile: the changes, and what is wrong with them.

import { errorText } from "../i18n/errors";
import { Refused } from "../net/refused";
import type { Me, ProfileChange } from "../net/types";
import { checkName, checkStatus } from "./validation";

const FIELDS = ["username", "avatar", "status_text"] as const;

export type ProfileErrors = Partial<Record<(typeof FIELDS)[number] | "form", string>>;

/** Those of the edits that change something. */
export function changesOf(own: Me, edits: ProfileChange): ProfileChange {
  const changes: ProfileChange = {};
  for (const field of FIELDS) {
    const edit = edits[field];
    if (edit !== undefined && edit !== own[field]) changes[field] = edit;
  }
  return changes;
}

/** The errors of changes, before they are sent. */
export function checkProfile({ username, status_text }: ProfileChange): ProfileErrors {
  const errors: ProfileErrors = {};
  const name = username === undefined ? undefined : checkName(username);
  const status = status_text === undefined ? undefined : checkStatus(status_text);
  if (name) errors.username = name;
  if (status) errors.status_text = status;
  return errors;
}

/** Puts an error of the server under the field that it is about. */
export function profileErrors(error: unknown): ProfileErrors {
  const field = error instanceof Refused && error.code === "name_taken" ? "username" : fieldOf(error);
  return { [field]: errorText(error) };
}

function fieldOf(error: unknown): keyof ProfileErrors {
  const field = error instanceof Refused ? error.field : null;
  return FIELDS.find((name) => name === field) ?? "form";
}
