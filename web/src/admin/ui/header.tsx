// The header: the sections, and the ways to other pages.

import icon from "../../icon.svg";
import { lang, setTheme, type Theme, theme } from "../../settings/preferences";
import { setLang, t } from "../i18n";
import { SECTIONS, type Section, showSection, view, viewUrl } from "../model/view";
import { Icon } from "./icon";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

export function Header() {
  return (
    <header class="top">
      <div class="top-row admin-row">
        <h1 class="brand">
          <img src={icon} width="28" height="28" alt="" />
          <span class="brand-name">Chinwag</span>
          <span class="brand-page">{t("title")}</span>
        </h1>
        <Sections />
        <Tools />
      </div>
    </header>
  );
}

function Sections() {
  return (
    <nav class="sections" aria-label={t("nav.label")}>
      {SECTIONS.map((section) => (
        <SectionLink section={section} key={section} />
      ))}
    </nav>
  );
}

function SectionLink({ section }: { section: Section }) {
  const isCurrent = view.value.section === section;
  return (
    <a
      href={viewUrl({ section, q: "", kind: null })}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(event) => {
        // Another tab is opened by the browser.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        showSection(section);
      }}
    >
      {t(`section.${section}`)}
    </a>
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
      <a class="tool" href="/dashboard">
        <Icon name="gauge" />
        <span class="tool-words">{t("tools.dashboard")}</span>
      </a>
      <a class="tool" href="/chat">
        <Icon name="chat" />
        <span class="tool-words">{t("tools.chat")}</span>
      </a>
    </nav>
  );
}
