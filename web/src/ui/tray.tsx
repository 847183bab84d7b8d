// The pictures that wait above the composer.

import { t } from "../i18n";
import { removeWaiting, waitingIn } from "../model/tray";
import { IconButton } from "./common";

export function Tray({ room, onRemoved }: { room: number; onRemoved: () => void }) {
  return (
    <ul class="tray" aria-label={t("tray.label")}>
      {waitingIn(room).map(({ id, file, preview }) => (
        <li class="tray-item" key={id}>
          <img src={preview} alt={file.name} title={file.name} />
          <IconButton
            icon="close"
            size={16}
            label={t("tray.remove", { name: file.name })}
            onClick={() => {
              removeWaiting(room, id);
              onRemoved();
            }}
          />
        </li>
      ))}
    </ul>
  );
}
