// What can be written in a message, as it is typed and as it is drawn.

import { t } from "../i18n";
import { Dialog } from "./dialog";
import { Text } from "./text";
import "../style/formatting_help.css";

const EXAMPLES = [
  "format.bold",
  "format.italic",
  "format.strike",
  "format.code",
  "format.block",
  "format.quote",
  "format.list",
  "format.numbers",
] as const;

export function FormattingHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("format.help")} onClose={onClose} class="is-small">
      <p class="muted">{t("format.hint")}</p>
      <ul class="examples">
        {EXAMPLES.map((key) => (
          <li class="example" key={key}>
            <p class="example-typed">{t(key)}</p>
            <Text text={t(key)} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
