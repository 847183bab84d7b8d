// A dialog that confirms an action, runs it, and shows why it failed.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { errorText } from "../../i18n/errors";
import { Dialog } from "../../ui/dialog";
import { t } from "../i18n";

interface ActDialogProps {
  title: string;
  hint: string;
  /** What the button says. */
  yes: string;
  isDanger?: boolean;
  /** Fields of the act. */
  children?: ComponentChildren;
  /** Checks the fields, and returns whether the action may be run. */
  check?: () => boolean;
  onYes: () => Promise<void>;
  onClose: () => void;
}

/** `onYes` closes it by what it shows next. */
export function ActDialog({ title, hint, yes, isDanger, children, check, onYes, onClose }: ActDialogProps) {
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const act = async () => {
    if (isBusy || check?.() === false) return;
    setBusy(true);
    setError("");
    try {
      await onYes();
    } catch (refusal) {
      setError(errorText(refusal));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} staysOpen>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        <p class="muted">{hint}</p>
        {children}
        {error && (
          <p class="note is-bad" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class={`button ${isDanger ? "is-danger" : "is-main"}`} disabled={isBusy}>
            {yes}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface TextFieldProps {
  label: string;
  hint?: string;
  error?: string;
  value: string;
  maxLength?: number;
  onInput: (value: string) => void;
}

/** A field of an act. */
export function TextField({ label, hint, error, value, maxLength, onInput }: TextFieldProps) {
  return (
    <div class="field">
      <label>
        {label}
        <span class="field-box">
          <input
            type="text"
            value={value}
            maxLength={maxLength}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            dir="auto"
            aria-invalid={error ? "true" : undefined}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        </span>
      </label>
      {hint && <p class="field-hint muted">{hint}</p>}
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
