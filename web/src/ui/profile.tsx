// The part of the account dialog about what others see: avatar, name, status text.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { changesOf, checkProfile, type ProfileErrors, profileErrors } from "../model/profile";
import { changeProfile, me } from "../model/session";
import { showToast } from "../model/toast";
import type { ProfileChange } from "../net/types";
import { Field, focusError } from "./field";
import { PictureField } from "./picture_field";

export function Profile() {
  const own = me.value;
  /** What was typed or chosen and is not saved yet. */
  const [edits, setEdits] = useState<ProfileChange>({});
  const [errors, setErrors] = useState<ProfileErrors>({});
  const [isBusy, setBusy] = useState(false);
  if (!own) return null;
  const shown = { ...own, ...edits };
  const changes = changesOf(own, edits);
  const isIdle = isBusy || Object.keys(changes).length === 0;
  const edit = (part: ProfileChange) => {
    setEdits((known) => ({ ...known, ...part }));
    setErrors({});
  };
  const save = async (event: Event) => {
    event.preventDefault();
    if (isIdle) return;
    const form = event.currentTarget as HTMLFormElement;
    const found = checkProfile(changes);
    setErrors(found);
    if (Object.keys(found).length > 0) return focusError(form);
    setBusy(true);
    try {
      await changeProfile(changes);
      setEdits({});
      showToast(t("account.saved"));
    } catch (error) {
      setErrors(profileErrors(error));
      focusError(form);
    }
    setBusy(false);
  };
  return (
    <form class="account-part" onSubmit={save} noValidate>
      <PictureField
        name={own.username}
        src={shown.avatar}
        error={errors.avatar}
        onChange={(avatar) => edit({ avatar })}
      />
      <Field
        name="username"
        label={t("field.username")}
        value={shown.username}
        error={errors.username}
        onInput={(username) => edit({ username })}
        autocomplete="username"
      />
      <Field
        name="status_text"
        label={t("field.status")}
        value={shown.status_text}
        error={errors.status_text}
        onInput={(status_text) => edit({ status_text })}
        autocomplete="off"
      />
      {errors.form && (
        <p class="note is-bad" role="alert">
          {errors.form}
        </p>
      )}
      <button type="submit" class="button is-main" aria-disabled={isIdle}>
        {t("account.save")}
      </button>
    </form>
  );
}
