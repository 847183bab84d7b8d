// What is shown in place of the metrics: while loading, after a failure, without access.

import { useEffect, useState } from "preact/hooks";
import icon from "../../icon.svg";
import { logOut, me } from "../../model/session";
import { api } from "../../net/http";
import { t } from "../i18n";
import { failure, refreshNow } from "../model/dashboard";
import { changeView, view } from "../model/view";
import { Icon, Panel } from "./common";
import { causeText } from "./stale_notice";

export function Loading() {
  return (
    <div class="loading">
      <p class="sr" role="status">
        {t("live.waiting")}
      </p>
      <div aria-hidden="true">
        <div class="strip">{blanks(6, "strip-item")}</div>
        <div class="headline">{blanks(8, "cell")}</div>
        <div class="grid blank-grid">{blanks(6, "card")}</div>
      </div>
    </div>
  );
}

/** Bars in the place of names and values. */
const blanks = (count: number, kind: string) =>
  Array.from({ length: count }, (_, at) => (
    <div class={`${kind} blank`} key={at}>
      <i />
      <b />
    </div>
  ));

export function Unavailable() {
  if (!failure.value) return null;
  return (
    <Panel icon="alert" title={t("unavailable.title")}>
      <p class="muted">{causeText(failure.value)}</p>
      <div class="panel-buttons">
        <button type="button" class="button is-main" onClick={refreshNow}>
          {t("again")}
        </button>
        {view.value.node !== null && (
          <button type="button" class="button" onClick={() => changeView({ node: null })}>
            {t("chosen.all")}
          </button>
        )}
      </div>
    </Panel>
  );
}

/** The shell command that makes a user an administrator. Quotes names that a shell would interpret. */
export function promoteCommand(name: string): string {
  const isPlain = /^[\p{L}\p{N}_.@][\p{L}\p{N}_.@-]*$/u.test(name);
  return `chinwag user promote ${isPlain ? name : `-- '${name.replaceAll("'", "'\\''")}'`}`;
}

export function Forbidden() {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    api.me().then(
      (account) => {
        me.value = account;
      },
      () => {}, // the command is shown without the name
    );
  }, []);
  const command = promoteCommand(me.value?.username ?? "NAME");
  const copy = () =>
    navigator.clipboard?.writeText(command).then(
      () => setCopied(true),
      () => {}, // the user can still select it
    );
  return (
    <main class="forbidden">
      <img src={icon} width="44" height="44" alt="" />
      <Panel icon="shield" title={t("forbidden.title")} isAlone>
        <p class="muted">{t("forbidden.hint", { name: me.value?.username ?? "…" })}</p>
        <div class="command">
          <code>{command}</code>
          <button type="button" class="button is-small" onClick={copy}>
            {isCopied && <Icon name="check" size={16} />}
            {t(isCopied ? "forbidden.copied" : "forbidden.copy")}
          </button>
        </div>
        <p class="muted">{t("forbidden.then")}</p>
        <div class="panel-buttons">
          <button type="button" class="button is-main" onClick={refreshNow}>
            {t("forbidden.again")}
          </button>
          <a class="button" href="/chat">
            {t("tools.chat")}
          </a>
          <button type="button" class="button is-quiet" onClick={logOut}>
            {t("forbidden.other")}
          </button>
        </div>
      </Panel>
    </main>
  );
}
