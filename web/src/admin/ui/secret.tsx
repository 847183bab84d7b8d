// What is shown once, to be copied.

import { useId, useState } from "preact/hooks";
import { Dialog } from "../../ui/dialog";
import { t } from "../i18n";

interface SecretProps {
  title: string;
  hint: string;
  label: string;
  value: string;
  onClose: () => void;
}

/** Stays open until it is closed by its button or by Esc. */
export function Secret({ title, hint, label, value, onClose }: SecretProps) {
  return (
    <Dialog title={title} onClose={onClose} staysOpen>
      <p class="muted">{hint}</p>
      <CopyField label={label} value={value} />
      <div class="dialog-actions">
        <button type="button" class="button is-main" onClick={onClose}>
          {t("done")}
        </button>
      </div>
    </Dialog>
  );
}

/** A text that cannot be changed, with a button that copies it. */
function CopyField({ label, value }: { label: string; value: string }) {
  const id = useId();
  const [isCopied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard?.writeText(value).then(
      () => setCopied(true),
      () => {}, // the text can still be selected
    );
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="copy-field">
        <input
          id={id}
          class="input"
          type="text"
          readOnly
          value={value}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" class="button" onClick={() => copy()}>
          {t(isCopied ? "copied" : "copy")}
        </button>
      </div>
    </div>
  );
}
