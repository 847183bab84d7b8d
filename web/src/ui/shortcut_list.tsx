// The dialog that lists the keys.

import { type Key, t } from "../i18n";
import { Dialog } from "./dialog";
import { isMac } from "./input";

const [control, alt, shift] = isMac ? ["⌘", "⌥", "⇧"] : ["Ctrl", "Alt", "Shift"];

const KEYS: [Key, string[]][] = [
  ["keys.search", [control, "K"]],
  ["keys.next", [alt, "↓"]],
  ["keys.previous", [alt, "↑"]],
  ["keys.nextUnread", [alt, shift, "↓"]],
  ["keys.previousUnread", [alt, shift, "↑"]],
  ["keys.menu", [shift, "F10"]],
  ["keys.messages", ["↑", "↓"]],
  ["keys.send", ["Enter"]],
  ["keys.newLine", [shift, "Enter"]],
  ["keys.edit", ["↑"]],
  ["keys.list", ["Esc"]],
  ["keys.help", [control, "/"]],
];

export function ShortcutList({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      <ul class="shortcuts">
        {KEYS.map(([what, keys]) => (
          <li key={what}>
            <span>{t(what)}</span>
            <span class="keys">
              {keys.map((key) => (
                <b key={key}>{key}</b>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
