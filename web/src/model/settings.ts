import { effect, signal } from "@preact/signals";

export type Lang = "zh" | "en";
export type Theme = "system" | "light" | "dark";

/** Local storage may be refused (private windows, quotas): then nothing lasts, and all else works. */
export const store = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // Nothing to do.
    }
  },
  keys(prefix: string): string[] {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    } catch {
      return [];
    }
  },
};

/** As in the page: the colour of bars in the light theme. */
const LIGHT_BAR = "#f3f2ee";

function firstLang(): Lang {
  const kept = store.get("chinwag.lang");
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function firstTheme(): Theme {
  const kept = store.get("chinwag.theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

export const lang = signal<Lang>(firstLang());
export const theme = signal<Theme>(firstTheme());
export const notifies = signal(store.get("chinwag.notify") !== "off");

effect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
});

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  // The browser's own bars follow, too.
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const own = meta.content === LIGHT_BAR ? "light" : "dark";
    const isForced = theme.value !== "system";
    meta.media = isForced ? (own === theme.value ? "all" : "not all") : `(prefers-color-scheme: ${own})`;
  }
});

export function setTheme(value: Theme): void {
  theme.value = value;
  store.set("chinwag.theme", value === "system" ? null : value);
}

export function setNotifies(value: boolean): void {
  notifies.value = value;
  store.set("chinwag.notify", value ? null : "off");
}
