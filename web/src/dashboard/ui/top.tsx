// What stays on top: whether the metrics are live, the range, and the node if only one is looked at.

import icon from "../../icon.svg";
import { lang, setTheme, type Theme, theme } from "../../settings/preferences";
import { setLang, t } from "../i18n";
import { ageMs, failure, isLive, metrics } from "../model/board";
import { agoText } from "../model/format";
import { place, RANGES, show } from "../model/place";
import { Icon } from "./parts";

export function Top() {
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

/** The words are announced when they change, the age is not: it changes every second. */
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
      {RANGES.map((it) => (
        <button
          type="button"
          key={it}
          data-range={it}
          aria-pressed={place.value.range === it}
          onClick={() => show({ range: it })}
        >
          {t(`range.${it}`)}
        </button>
      ))}
    </fieldset>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function Tools() {
  const other = lang.value === "zh" ? "en" : "zh";
  const look = `${t("theme.label")}: ${t(`theme.${theme.value}`)}`;
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
        aria-label={look}
        title={look}
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
  const { node } = place.value;
  if (node === null) return null;
  return (
    <div class="chosen">
      <p>
        {t("chosen.only")} <b>{node}</b>
        <span class="chosen-hint">{t("chosen.hint")}</span>
      </p>
      <button type="button" class="button is-small" data-all-nodes onClick={() => show({ node: null })}>
        <Icon name="close" size={16} />
        {t("chosen.all")}
      </button>
    </div>
  );
}
