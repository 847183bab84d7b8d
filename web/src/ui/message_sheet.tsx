// The actions on a message, at the lower edge of a phone.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { preview } from "../model/labels";
import { ActionDialog } from "./action_dialog";
import { actionsOf, type MessageActionProps, moreActionsOf, type Shown } from "./actions";
import { Icon } from "./common";
import { Dialog } from "./dialog";
import { useRole } from "./message_menu";
import { OfferedReactions } from "./reactions";

export function MessageSheet({ onClose, ...props }: MessageActionProps & { onClose: () => void }) {
  const [shown, show] = useState<Shown>(null);
  useRole(props.room);
  if (shown) return <ActionDialog {...props} shown={shown} onClose={onClose} />;
  // The dialogs that some actions open take the place of the sheet, which the others close.
  const all = [...actionsOf(props, show), ...moreActionsOf(props, show)];
  // The one that destroys is the last.
  const actions = [
    ...all.filter(({ icon }) => icon !== "trash"),
    ...all.filter(({ icon }) => icon === "trash"),
  ];
  return (
    <Dialog title={t("msg.actions")} class="sheet" onClose={onClose} isBare>
      <p class="sheet-text">
        <bdi>{preview(props.message)}</bdi>
      </p>
      <div class="sheet-reactions">
        <OfferedReactions {...props} onDone={onClose} onOther={() => show("react")} />
      </div>
      {actions.map(({ icon, label, run }) => (
        <button
          type="button"
          key={icon}
          class={`menu-item ${icon === "trash" ? "is-danger" : ""}`}
          onClick={() => {
            const opensDialog = ["trash", "info", "forward", "person"].includes(icon);
            if (!opensDialog) onClose();
            run();
          }}
        >
          <Icon name={icon} /> {label}
        </button>
      ))}
    </Dialog>
  );
}
