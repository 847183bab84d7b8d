// The part of the account dialog about what others see: picture, name, status text.

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { portraitOf } from "../model/portrait";
import { changesOf, checkProfile, type ProfileErrors, profileErrors } from "../model/profile";
import { changeProfile, me } from "../model/session";
import { showToast } from "../model/toast";
import { IMAGE_TYPES, rejectionOf } from "../model/uploads";
import { type Upload, uploadImage } from "../net/http";
import { Refused } from "../net/refused";
import type { ProfileChange } from "../net/types";
import { Avatar, Icon } from "./common";
import { Field } from "./field";

export function Profile() {
  const own = me.value;
  /** What was typed or chosen and is not saved yet. */
  const [edits, setEdits] = useState<ProfileChange>({});
  const [errors, setErrors] = useState<ProfileErrors>({});
  const [isBusy, setBusy] = useState(false);
  if (!own) return null;
  const shown = { ...own, ...edits };
  const changes = changesOf(own, edits);
  const edit = (part: ProfileChange) => {
    setEdits((known) => ({ ...known, ...part }));
    setErrors({});
  };
  const save = async (event: Event) => {
    event.preventDefault();
    const found = checkProfile(changes);
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      await changeProfile(changes);
      setEdits({});
      showToast(t("account.saved"));
    } catch (error) {
      setErrors(profileErrors(error));
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
      <button type="submit" class="button is-main" disabled={isBusy || Object.keys(changes).length === 0}>
        {t("account.save")}
      </button>
    </form>
  );
}

interface PictureFieldProps {
  name: string;
  /** The address of the picture; empty for none. */
  src: string;
  error: string | undefined;
  onChange: (url: string) => void;
}

/** The picture, with buttons to upload another and to have none. */
function PictureField({ name, src, error, onChange }: PictureFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const upload = useRef<Upload | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => () => upload.current?.cancel(), []);
  const choose = async (file: File) => {
    setBusy(true);
    try {
      const portrait = await portraitOf(file);
      const rejection = rejectionOf(portrait);
      if (rejection) return showToast(t(rejection));
      upload.current = uploadImage(portrait, () => {});
      onChange(await upload.current.done);
    } catch (failure) {
      const isCancelled = failure instanceof Refused && failure.code === "cancelled";
      if (!isCancelled) showToast(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="portrait">
      <Avatar name={name} src={src} size="l" />
      <div>
        <div class="portrait-actions">
          <button type="button" class="button" disabled={isBusy} onClick={() => input.current?.click()}>
            <Icon name="image" size={18} /> {t(isBusy ? "account.pictureBusy" : "account.picture")}
          </button>
          {src && !isBusy && (
            <button type="button" class="button is-quiet" onClick={() => onChange("")}>
              {t("account.pictureRemove")}
            </button>
          )}
        </div>
        {error && (
          <p class="field-error" role="alert">
            {error}
          </p>
        )}
      </div>
      <input
        ref={input}
        type="file"
        accept={IMAGE_TYPES.join()}
        hidden
        aria-hidden="true"
        tabIndex={-1}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          currentTarget.value = ""; // the same file may be chosen again
          if (file) void choose(file);
        }}
      />
    </div>
  );
}
