// The texts of one page, in the language that the user chooses. Only that language is downloaded.

import { signal } from "@preact/signals";
import { type Lang, lang } from "../settings/preferences";
import { storage } from "../settings/storage";

type Values = Record<string, string | number>;

/** Makes the functions of a page that load and look up its texts. `load` imports those of a language. */
export function createTranslator<Key extends string>(load: (chosen: Lang) => Promise<Record<Key, string>>) {
  const texts = signal<Record<Key, string> | null>(null);

  let wanted: Lang = lang.value;

  async function loadTexts(chosen: Lang): Promise<void> {
    wanted = chosen;
    const loaded = await load(chosen);
    // Downloads may finish in any order: the last choice counts.
    if (wanted !== chosen) return;
    texts.value = loaded;
    lang.value = chosen;
  }

  async function setLang(chosen: Lang): Promise<void> {
    // Before the download: the choice must survive a reload in the meantime.
    storage.set("chinwag.lang", chosen);
    await loadTexts(chosen);
  }

  /** The text for a key. A placeholder `{name}` is replaced by the value of that name. */
  function t(key: Key, values: Values = {}): string {
    const text = texts.value?.[key] ?? "";
    return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
  }

  return { loadTexts, setLang, t };
}
