// The header: whether the metrics are live, the range, and the selected node.

import icon from "../../icon.svg";
import { lang, setTheme, type Theme, theme } from "../../settings/preferences";
import { setLang, t } from "../i18n";
import { ageMs, failure, isLive, metrics } from "../model/dashboard";
import { agoText } from "../model/format";
import { changeView, RANGES, view } from "../model/view";
import { Icon } from "./common";

export function Header() {
  return (
    <header class="top">
      <div class="top-row">
        <h1 class="brand">
          <img src={icon} width="28" height="28" alt="" />
          <span class="brand-name">Chinwag</span>
          <span class="brand-page">{t("title")}</span>
        </h1>
        <Live />
        <Ranges />
        <Tools />
      </div>
      <Chosen />
    </header>
  );
}

/** Screen readers announce the state but not the age, which changes every second. */
function Live() {
  const kind = isLive.value ? "live" : failure.value ? "failing" : metrics.value ? "stale" : "waiting";
  return (
    <p class={`live is-${kind}`}>
      <span class="live-dot" aria-hidden="true" />
      <span role="status">{t(`live.${kind}`)}</span>
      {metrics.value && !isLive.value && (
        <span class="live-age" aria-hidden="true">
          {agoText(ageMs.value)}
        </span>
      )}
    </p>
  );
}

function Ranges() {
  return (
    <fieldset class="choice">
      <legend class="sr">{t("range.label")}</legend>
      {RANGES.map((range) => (
        <button
          type="button"
          key={range}
          data-range={range}
          aria-pressed={view.value.range === range}
          onClick={() => changeView({ range })}
        >
          {t(`range.${range}`)}
        </button>
      ))}
    </fieldset>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

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
      <a class="tool" href="/chat">
        <Icon name="chat" />
        <span class="tool-words">{t("tools.chat")}</span>
      </a>
    </nav>
  );
}

function Chosen() {
  const { node } = view.value;
  if (node === null) return null;
  return (
    <div class="chosen">
      <p>
        {t("chosen.only")} <b>{node}</b>
        <span class="chosen-hint">{t("chosen.hint")}</span>
      </p>
      <button type="button" class="button is-small" data-all-nodes onClick={() => changeView({ node: null })}>
        <Icon name="close" size={16} />
        {t("chosen.all")}
      </button>
    </div>
  );
}
