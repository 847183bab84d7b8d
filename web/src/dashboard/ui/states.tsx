// What is shown in place of the figures: none yet, none to be had, not for this user.

import { useEffect, useState } from "preact/hooks";
import icon from "../../icon.svg";
import { end, me } from "../../model/session";
import { api } from "../../net/http";
import { t } from "../i18n";
import { askNow, failure } from "../model/board";
import { place, show } from "../model/place";
import { causeText } from "./notice";
import { Icon, Panel } from "./parts";

export function Loading() {
  return (
    <div class="loading">
      <p class="sr" role="status">
        {t("live.waiting")}
      </p>
      <div aria-hidden="true">
        <div class="strip blank blank-strip" />
        <div class="blank blank-headline" />
        <div class="grid">
          {[1, 2, 3, 4, 5, 6].map((it) => (
            <div class="blank blank-card" key={it} />
          ))}
        </div>
      </div>
    </div>
  );
}

export function Unavailable() {
  if (!failure.value) return null;
  return (
    <Panel icon="alert" title={t("unavailable.title")}>
      <p class="muted">{causeText(failure.value)}</p>
      <div class="panel-buttons">
        <button type="button" class="button is-main" onClick={askNow}>
          {t("again")}
        </button>
        {place.value.node !== null && (
          <button type="button" class="button" onClick={() => show({ node: null })}>
            {t("chosen.all")}
          </button>
        )}
      </div>
    </Panel>
  );
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
  const command = `chinwag user promote ${me.value?.username ?? "NAME"}`;
  const copy = () =>
    navigator.clipboard?.writeText(command).then(
      () => setCopied(true),
      () => {}, // it can still be selected
    );
  return (
    <main class="forbidden">
      <img src={icon} width="44" height="44" alt="" />
      <Panel icon="shield" title={t("forbidden.title")}>
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
          <button type="button" class="button is-main" onClick={askNow}>
            {t("again")}
          </button>
          <a class="button" href="/chat">
            {t("tools.chat")}
          </a>
          <button type="button" class="button is-quiet" onClick={() => end(false)}>
            {t("forbidden.other")}
          </button>
        </div>
      </Panel>
    </main>
  );
}
