// Dialogs.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { IconButton } from "./common";

/** What gets the focus first: a field, or the button that changes nothing. */
const FIRST = "input:not([type=file]), textarea, .dialog-actions button, .menu-item";

/** A modal dialog. The browser keeps the focus inside, closes it on Esc, and gives the focus back. */
export function Dialog({ title, onClose, children, class: extra = "", first = FIRST, ...rest }: DialogProps) {
  const { isBare, staysOpen, at } = rest;
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>(first)?.focus();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes it too
    <dialog
      ref={ref}
      class={`dialog ${extra}`}
      style={at && { "--x": `${at.x}px`, "--y": `${at.y}px` }}
      aria-labelledby={isBare ? undefined : id}
      aria-label={isBare ? title : undefined}
      // The event comes late, perhaps when another dialog has replaced this one.
      onClose={() => ref.current && onClose()}
      onClick={(event) => event.target === ref.current && !staysOpen && onClose()}
    >
      {isBare ? (
        children
      ) : (
        <div class="dialog-body">
          <header class="dialog-head">
            <h2 id={id}>{title}</h2>
            <IconButton icon="close" label={t("close")} onClick={onClose} />
          </header>
          {children}
        </div>
      )}
    </dialog>
  );
}
interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
  /** The selector of what gets the focus first. */
  first?: string;
  isBare?: boolean;
  /** Where a menu is shown. */
  at?: { x: number; y: number };
  /** Whether a click beside it does not close it. */
  staysOpen?: boolean;
}

export function Confirm({ title, hint, action, onYes, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} class="is-small">
      {hint && <p class="muted">{hint}</p>}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {t("cancel")}
        </button>
        <button
          type="button"
          class="button is-danger"
          onClick={() => {
            onClose();
            onYes();
          }}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
interface ConfirmProps {
  title: string;
  hint?: string;
  action: string;
  onYes: () => void;
  onClose: () => void;
}
