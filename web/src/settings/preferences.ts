// What a user chooses for this browser: language, theme, notifications, sounds.

import { effect, signal } from "@preact/signals";
import { storage } from "./storage";

export type Lang = "zh" | "en";
export type Theme = "system" | "light" | "dark";

/** The theme colour of the light theme, as `index.html` names it. */
const LIGHT_BAR = "#f3f2ee";

function firstLang(): Lang {
  const kept = storage.get("chinwag.lang");
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function firstTheme(): Theme {
  const kept = storage.get("chinwag.theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

export const lang = signal<Lang>(firstLang());
export const theme = signal<Theme>(firstTheme());
export const notificationsEnabled = signal(storage.get("chinwag.notify") !== "off");

effect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
});

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  // The browser's own bars follow the theme.
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const own = meta.content === LIGHT_BAR ? "light" : "dark";
    const isForced = theme.value !== "system";
    meta.media = isForced ? (own === theme.value ? "all" : "not all") : `(prefers-color-scheme: ${own})`;
  }
});

export function setTheme(value: Theme): void {
  theme.value = value;
  storage.set("chinwag.theme", value === "system" ? null : value);
}

/** Images of other hosts: whether all are loaded by themselves, else those of these hosts. */
export const loadsPictures = signal(storage.get("chinwag.pictures") === "on");
export const pictureHosts = signal<ReadonlySet<string>>(
  new Set((storage.get("chinwag.pictureHosts") ?? "").split(" ").filter(Boolean)),
);
const MAX_PICTURE_HOSTS = 200;

export function setLoadsPictures(value: boolean): void {
  loadsPictures.value = value;
  storage.set("chinwag.pictures", value ? "on" : null);
}

/** Adds a host from which images are loaded, and drops the oldest of too many. */
export function addPictureHost(host: string): void {
  const hosts = [...new Set([...pictureHosts.peek(), host])].slice(-MAX_PICTURE_HOSTS);
  pictureHosts.value = new Set(hosts);
  storage.set("chinwag.pictureHosts", hosts.join(" "));
}

/** Whether new messages sound. */
export const soundsEnabled = signal(storage.get("chinwag.sounds") === "on");

export function setSoundsEnabled(value: boolean): void {
  soundsEnabled.value = value;
  storage.set("chinwag.sounds", value ? "on" : null);
}

export function setNotificationsEnabled(value: boolean): void {
  notificationsEnabled.value = value;
  storage.set("chinwag.notify", value ? null : "off");
}
