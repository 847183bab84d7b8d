// A labelled field of a form, with its error below.

import { useId, useState } from "preact/hooks";
import { t } from "../i18n";
import { IconButton } from "./common";
import "../style/forms.css";

interface FieldProps {
  name: string;
  label: string;
  value: string;
  error: string | undefined;
  onInput: (value: string) => void;
  isSecret?: boolean;
  autocomplete: string;
}

export function Field({ name, label, value, error, onInput, isSecret, autocomplete }: FieldProps) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-box">
        <input
          id={id}
          name={name}
          {...(isSecret && !isShown ? { type: "password" } : { type: "text" })}
          value={value}
          autocomplete={autocomplete}
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={error ? "true" : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        {isSecret && (
          <IconButton
            icon="eye"
            label={t(isShown ? "field.hide" : "field.show")}
            aria-pressed={isShown}
            onClick={() => setShown(!isShown)}
          />
        )}
      </div>
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** Moves the focus to the first field of a form that has an error, once the error is drawn. */
export function focusError(form: HTMLElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}
