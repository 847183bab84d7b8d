// The actions of a room's owner and admins: to change it, and for its owner to delete it.

import { useId, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { durationText } from "../i18n/units";
import { changeSettings, changesOf, loadSettings, SLOW_MODES } from "../model/room_settings";
import { type Room, removeRoom } from "../model/rooms";
import { showToast } from "../model/toast";
import { api } from "../net/http";
import type { Conversation, RoomChange, RoomSettings as Settings } from "../net/types";
import { Icon } from "./common";
import { Confirm, Dialog } from "./dialog";
import { PictureField } from "./picture_field";
import { RoomLinks } from "./room_links";
import { showRoom } from "./router";

const NAME_MAX = 100;

interface RoomSettingsProps {
  room: Room;
  conversation: Conversation;
  isOwner: boolean;
}

export function RoomSettings({ room, conversation, isOwner }: RoomSettingsProps) {
  const [dialog, setDialog] = useState<"edit" | "links" | "delete" | null>(null);
  const settings = room.settings.value;
  const close = () => setDialog(null);
  return (
    <>
      <button
        type="button"
        class="button is-quiet members-action"
        onClick={() => {
          setDialog("edit");
          if (!settings) loadSettings(room).catch((error) => showToast(errorText(error)));
        }}
      >
        <Icon name="pen" size={18} /> {t("settings.edit")}
      </button>
      <button type="button" class="button is-quiet members-action" onClick={() => setDialog("links")}>
        <Icon name="link" size={18} /> {t("links.title")}
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
      {dialog === "edit" && settings && <Edit room={room} settings={settings} onClose={close} />}
      {dialog === "links" && <RoomLinks room={room} onClose={close} />}
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

const DESCRIPTION_MAX = 500;

function Edit({ room, settings, onClose }: { room: Room; settings: Settings; onClose: () => void }) {
  /** What was typed or chosen and is not saved yet. */
  const [edits, setEdits] = useState<RoomChange>({});
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const ids = useId();
  const shown = { ...settings, ...edits };
  const changes = changesOf(settings, edits);
  const edit = (part: RoomChange) => {
    setEdits((known) => ({ ...known, ...part }));
    setError("");
  };
  const save = async () => {
    setBusy(true);
    try {
      await changeSettings(room, changes);
      onClose();
    } catch (refusal) {
      setError(errorText(refusal));
      setBusy(false);
    }
  };
  const modes = [...new Set([...SLOW_MODES, settings.slow_mode_secs])].sort((a, b) => a - b);
  return (
    <Dialog title={t("settings.edit")} onClose={onClose} staysOpen>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <PictureField
          name={shown.name}
          isGroup
          src={shown.avatar}
          error={undefined}
          onChange={(avatar) => edit({ avatar })}
        />
        <div class="field">
          <label for={`${ids}-name`}>{t("settings.name")}</label>
          <div class="field-box">
            <input
              id={`${ids}-name`}
              type="text"
              value={shown.name}
              maxLength={NAME_MAX}
              autocomplete="off"
              onInput={(event) => edit({ name: event.currentTarget.value })}
            />
          </div>
        </div>
        <div class="field">
          <label for={`${ids}-description`}>{t("settings.description")}</label>
          <div class="field-box">
            <textarea
              id={`${ids}-description`}
              rows={3}
              value={shown.description}
              maxLength={DESCRIPTION_MAX}
              dir="auto"
              onInput={(event) => edit({ description: event.currentTarget.value })}
            />
          </div>
        </div>
        <div class="field">
          <label for={`${ids}-slow`}>{t("settings.slow")}</label>
          <div class="field-box">
            <select
              id={`${ids}-slow`}
              value={String(shown.slow_mode_secs)}
              aria-describedby={`${ids}-slow-hint`}
              onChange={(event) => edit({ slow_mode_secs: Number(event.currentTarget.value) })}
            >
              {modes.map((secs) => (
                <option value={String(secs)} key={secs}>
                  {secs === 0 ? t("settings.slowOff") : durationText(secs)}
                </option>
              ))}
            </select>
          </div>
          <p class="muted field-hint" id={`${ids}-slow-hint`}>
            {t("settings.slowHint")}
          </p>
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
          <button
            type="submit"
            class="button is-main"
            disabled={isBusy || !shown.name.trim() || Object.keys(changes).length === 0}
          >
            {t("settings.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
