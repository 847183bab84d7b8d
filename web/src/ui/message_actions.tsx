// The toolbar of a message.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { actionsOf, type MessageActionProps, type Shown } from "./actions";
import { IconButton } from "./common";
import { isTouch } from "./input";
import { lazy } from "./lazy";

const ActionDialog = lazy(() => import("./lazy_components").then((module) => module.ActionDialog));

/**
 * The actions on a message. Without a pointer to hover with, a long press opens the actions instead, and a button that
 * only screen readers and keyboards find.
 */
export function MessageActions({ onMore, ...props }: MessageActionProps & { onMore: (id: number) => void }) {
  const [shown, show] = useState<Shown>(null);
  if (isTouch) {
    const more = () => onMore(props.message.id);
    return <IconButton icon="more" class="more" label={t("msg.actions")} onClick={more} />;
  }
  return (
    <>
      <div class="actions">
        <div class="actions-bar" role="toolbar" aria-label={t("msg.actions")}>
          {actionsOf(props, show).map(({ icon, label, run }) => (
            <IconButton key={icon} icon={icon} size={17} label={label} onClick={run} />
          ))}
        </div>
      </div>
      {shown && <ActionDialog {...props} shown={shown} onClose={() => show(null)} />}
    </>
  );
}
