// A name or an avatar that shows the card of its user.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { lazy } from "./lazy";

const UserCard = lazy(() => import("./user_card").then((module) => module.UserCard));

interface PersonButtonProps {
  id: number;
  name: string;
  class?: string;
  /** Whether it is a Tab stop. Where there are many, the keyboard has another way. */
  isTabStop?: boolean;
  children: ComponentChildren;
}

export function PersonButton({ id, name, class: extra = "", isTabStop, children }: PersonButtonProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class={`person ${extra}`}
        aria-label={t("card.open", { name })}
        aria-haspopup="dialog"
        tabIndex={isTabStop ? 0 : -1}
        onClick={() => setOpen(true)}
      >
        {children}
      </button>
      {isOpen && <UserCard id={id} name={name} onClose={() => setOpen(false)} />}
    </>
  );
}
