// The header of the pages for administrators. Each passes its own texts.

import type { ComponentChildren } from "preact";
import icon from "../icon.svg";
import { type Lang, lang, setTheme, type Theme, theme } from "../settings/preferences";

/** The texts of the header, under the keys that they have on each page. */
export type HeaderKey =
  | "title"
  | "tools.label"
  | "lang.other"
  | "theme.label"
  | `theme.${Theme}`
  | "tools.chat";

const PATHS = {
  globe:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3 12h18M12 3c3 2.5 3.5 6 3.5 9s-.5 6.5-3.5 9c-3-2.5-3.5-6-3.5-9S9 5.5 12 3Z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
  chat: "M4.5 5.5h15v10.5H11l-4 3.5V16H4.5z",
  gauge: "M4.5 18a8.5 8.5 0 1 1 15 0M12 15l3.5-5",
} as const;

function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" width={18} height={18} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

interface PageHeaderProps {
  t: (key: HeaderKey) => string;
  setLang: (lang: Lang) => Promise<void>;
  class?: string;
  /** Ways to other pages than the chat. */
  links?: { href: string; icon?: "gauge"; text: string }[];
  /** The content between the name of the page and the tools. */
  children?: ComponentChildren;
  /** What stands below. */
  below?: ComponentChildren;
}

export function PageHeader({ t, class: extra = "", children, below, ...tools }: PageHeaderProps) {
  return (
    <header class="top">
      <div class={`top-row ${extra}`}>
        <h1 class="brand">
          <img src={icon} width="28" height="28" alt="" />
          <span class="brand-name">Chinwag</span>
          <span class="brand-page">{t("title")}</span>
        </h1>
        {children}
        <Tools t={t} {...tools} />
      </div>
      {below}
    </header>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function Tools({ t, setLang, links = [] }: Pick<PageHeaderProps, "t" | "setLang" | "links">) {
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
      {[...links, { href: "/chat", icon: "chat" as const, text: t("tools.chat") }].map(
        ({ href, icon, text }) => (
          <a class="tool" href={href} key={href}>
            {icon ? <Icon name={icon} /> : text}
            {icon && <span class="tool-words">{text}</span>}
          </a>
        ),
      )}
    </nav>
  );
}
