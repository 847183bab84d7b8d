// What the owner and admins of a room may do with it: rename it, and its owner delete it.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { patchConversation, removeRoom } from "../model/rooms";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import type { Conversation } from "../net/types";
import { Icon } from "./common";
import { Confirm, Dialog } from "./dialog";
import { showRoom } from "./router";

const NAME_MAX = 100;

export function RoomSettings({ conversation, isOwner }: { conversation: Conversation; isOwner: boolean }) {
  const [dialog, setDialog] = useState<"rename" | "delete" | null>(null);
  const close = () => setDialog(null);
  return (
    <>
      <button type="button" class="button is-quiet members-action" onClick={() => setDialog("rename")}>
        <Icon name="pen" size={18} /> {t("settings.rename")}
      </button>
      {isOwner && (
        <button
          type="button"
          class="button is-quiet is-danger-text members-action"
          onClick={() => setDialog("delete")}
        >
          <Icon name="trash" size={18} /> {t("settings.delete")}
        </button>
      )}
      {dialog === "rename" && <Rename conversation={conversation} onClose={close} />}
      {dialog === "delete" && (
        <Confirm
          title={t("settings.deleteTitle", { name: conversation.name })}
          hint={t("settings.deleteHint")}
          action={t("settings.deleteConfirm")}
          onClose={close}
          onYes={async () => {
            try {
              await api.deleteRoom(conversation.id);
              removeRoom(conversation.id);
              showRoom(null);
            } catch (error) {
              showToast(errorText(error));
            }
          }}
        />
      )}
    </>
  );
}

function Rename({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const [name, setName] = useState(conversation.name);
  const [error, setError] = useState("");
  const rename = async () => {
    try {
      const room = await api.renameRoom(conversation.id, name);
      patchConversation(conversation.id, () => ({ name: room.name }));
      onClose();
    } catch (refusal) {
      setError(errorText(refusal));
    }
  };
  return (
    <Dialog title={t("settings.rename")} onClose={onClose} class="is-small">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void rename();
        }}
      >
        <div class="field-box">
          <input
            type="text"
            value={name}
            maxLength={NAME_MAX}
            aria-label={t("settings.name")}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
        {error && (
          <p class="note is-bad" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class="button is-main" disabled={!name.trim()}>
            {t("settings.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
