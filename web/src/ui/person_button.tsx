// A name or an avatar that shows the card of its user.

import type { ComponentChildren, ComponentType } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { UserCardProps } from "./user_card";

interface PersonButtonProps {
  id: number;
  name: string;
  /** What draws the card. Code that is needed early loads it when it is first shown. */
  Card: ComponentType<UserCardProps>;
  class?: string;
  /** Whether it is a Tab stop. Where there are many, the keyboard has another way. */
  isTabStop?: boolean;
  children: ComponentChildren;
}

export function PersonButton({ id, name, Card, class: extra = "", isTabStop, children }: PersonButtonProps) {
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
      {isOpen && <Card id={id} name={name} onClose={() => setOpen(false)} />}
    </>
  );
}
