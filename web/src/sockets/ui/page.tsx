// The page: what to connect to, what to send, and what has come.

import { useEffect } from "preact/hooks";
import { Icon } from "../../admin/ui/icon";
import icon from "../../icon.svg";
import { lang, setTheme, type Theme, theme } from "../../settings/preferences";
import { setLang, t } from "../i18n";
import { channels, hasFailed, load } from "../model/trial";
import { Connection } from "./connection";
import { Log } from "./log";
import { Sending } from "./sending";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

export function Page() {
  const title = t("title");
  useEffect(() => {
    document.title = `${title} · Chinwag`;
  }, [title]);
  return (
    <>
      <header class="top">
        <div class="top-row">
          <h1 class="brand">
            <img src={icon} width="28" height="28" alt="" />
            <span class="brand-name">Chinwag</span>
            <span class="brand-page">{title}</span>
          </h1>
          <Tools />
        </div>
      </header>
      <main class="trial">
        {hasFailed.value && (
          <div class="note is-bad" role="alert">
            <p>{t("document.failed")}</p>
            <button type="button" class="button" onClick={() => void load()}>
              {t("document.again")}
            </button>
          </div>
        )}
        {channels.value.length > 0 && (
          <>
            <div class="trial-forms">
              <Connection />
              <Sending />
            </div>
            <Log />
          </>
        )}
      </main>
    </>
  );
}

function Tools() {
  const other = lang.value === "zh" ? "en" : "zh";
  const themeText = `${t("theme.label")}: ${t(`theme.${theme.value}`)}`;
  return (
    <nav class="tools" aria-label={t("tools.label")}>
      <button
        type="button"
        class="tool"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => void setLang(other)}
      >
        <Icon name="globe" />
        <span class="tool-words">{t("lang.other")}</span>
      </button>
      <button
        type="button"
        class="tool"
        aria-label={themeText}
        title={themeText}
        onClick={() => setTheme(NEXT[theme.value])}
      >
        <Icon name={theme.value} />
      </button>
      <a class="tool" href="/docs/sockets">
        {t("tools.document")}
      </a>
      <a class="tool" href="/docs/">
        {t("tools.http")}
      </a>
    </nav>
  );
}
