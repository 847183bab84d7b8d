// Blocks and unblocks the other user of a direct conversation.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { blocked, loadBlocks } from "../model/blocks";
import { changeBlock } from "./change_block";
import { IconButton } from "./common";
import { lazy } from "./lazy";

const Confirm = lazy(() => import("./lazy_components").then((module) => module.Confirm));

export function BlockButton({ userId, name }: { userId: number; name: string }) {
  const [isAsking, setAsking] = useState(false);
  useEffect(() => void loadBlocks().catch(() => {}), [userId]); // unknown: the button waits
  if (!blocked.value) return null;
  const isBlocked = blocked.value.has(userId);
  return (
    <>
      <IconButton
        icon="ban"
        class={isBlocked ? "is-on" : ""}
        aria-pressed={isBlocked}
        label={t(isBlocked ? "block.undo" : "block.do", { name })}
        onClick={() => (isBlocked ? void changeBlock(userId, name, false) : setAsking(true))}
      />
      {isAsking && (
        <Confirm
          title={t("block.title", { name })}
          hint={t("block.hint")}
          action={t("block.confirm")}
          onClose={() => setAsking(false)}
          onYes={() => void changeBlock(userId, name, true)}
        />
      )}
    </>
  );
}
