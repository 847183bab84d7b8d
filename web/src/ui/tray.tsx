// The images and files that wait above the composer.

import { t } from "../i18n";
import { sizeText } from "../i18n/units";
import { plainFileName } from "../model/labels";
import { removeWaiting, waitingIn } from "../model/tray";
import { Icon, IconButton } from "./common";

export function Tray({ room, onRemoved }: { room: number; onRemoved: () => void }) {
  return (
    <ul class="tray" aria-label={t("tray.label")}>
      {waitingIn(room).map(({ id, file, preview }) => (
        <li class={`tray-item ${preview ? "" : "is-file"}`} key={id}>
          {preview && <img src={preview} alt={file.name} title={file.name} />}
          {!preview && (
            <>
              <Icon name="file" size={22} />
              <bdi class="tray-name" title={file.name}>
                {plainFileName(file.name)}
              </bdi>
              <small>{sizeText(file.size)}</small>
            </>
          )}
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
