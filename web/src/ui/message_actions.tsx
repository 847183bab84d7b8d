// The toolbar of a message.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { actionsOf, type MessageActionProps, type Shown } from "./actions";
import { IconButton } from "./common";
import { isTouch } from "./input";
import { lazy } from "./lazy";
import { OfferedReactions } from "./reactions";

const ActionDialog = lazy(() => import("./lazy_components").then((module) => module.ActionDialog));
const MessageMenu = lazy(() => import("./lazy_components").then((module) => module.MessageMenu));

/**
 * The actions on a message. Without a pointer to hover with, a long press opens the actions instead, and a button that
 * only screen readers and keyboards find.
 */
export function MessageActions({ onMore, ...props }: MessageActionProps & { onMore: (id: number) => void }) {
  const [shown, show] = useState<Shown>(null);
  /** Where the menu is open. */
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null);
  /** Whether the toolbar offers reactions instead of the actions. */
  const [isReacting, setReacting] = useState(false);
  const bar = useRef<HTMLDivElement>(null);
  const hadFocus = useRef(false);
  const swap = (reacts: boolean) => {
    hadFocus.current = bar.current?.contains(document.activeElement) === true;
    setReacting(reacts);
  };
  const other = () => {
    swap(false);
    show("react");
  };
  useLayoutEffect(() => {
    if (!hadFocus.current) return;
    // The button that had the focus is gone, and with it the toolbar is out of view, where nothing can get the focus.
    bar.current?.closest<HTMLElement>("[data-row]")?.focus({ preventScroll: true });
    // To the first reaction, and back to where it came from.
    const next = isReacting ? "button" : `[aria-label="${t("react.add")}"]`;
    bar.current?.querySelector<HTMLElement>(next)?.focus({ preventScroll: true });
  }, [isReacting]);
  if (isTouch) {
    const more = () => onMore(props.message.id);
    return <IconButton icon="more" class="more" label={t("msg.actions")} onClick={more} />;
  }
  return (
    <>
      <div class="actions">
        <div
          class="actions-bar"
          ref={bar}
          role="toolbar"
          aria-label={t(isReacting ? "react.add" : "msg.actions")}
          onMouseLeave={() => isReacting && swap(false)}
          onKeyDown={(event) => isReacting && event.key === "Escape" && swap(false)}
        >
          {isReacting ? (
            <OfferedReactions {...props} onDone={() => swap(false)} onOther={other} />
          ) : (
            <>
              {actionsOf(props, show, () => swap(true)).map(({ icon, label, run }) => (
                <IconButton key={icon} icon={icon} size={17} label={label} onClick={run} />
              ))}
              <IconButton
                icon="more"
                size={17}
                label={t("msg.moreActions")}
                aria-haspopup="dialog"
                onClick={({ currentTarget }) => {
                  const { left, bottom } = currentTarget.getBoundingClientRect();
                  setMenuAt({ x: left, y: bottom });
                }}
              />
            </>
          )}
        </div>
      </div>
      {menuAt && <MessageMenu {...props} at={menuAt} onShow={show} onClose={() => setMenuAt(null)} />}
      {shown && <ActionDialog {...props} shown={shown} onClose={() => show(null)} />}
    </>
  );
}
