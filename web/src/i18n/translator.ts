// The texts of one page, in the language that the user chooses. Only that language is downloaded.

import { signal } from "@preact/signals";
import { type Lang, lang } from "../settings/preferences";
import { storage } from "../settings/storage";

type Values = Record<string, string | number>;

/** The form of a word for a number by the plural rules of the language. The last one stands for all that are not named. */
function formFor(count: number, forms: string): string {
  const rule = new Intl.PluralRules(lang.value).select(count);
  const words = forms.split("|").map((form) => form.split(":"));
  return (words.find(([name]) => name === rule) ?? words.at(-1))?.[1] ?? "";
}

/**
 * Makes the functions of a page that load and look up its texts. `load` imports those of a language, `loadFirst` those
 * that are needed at once.
 */
export function createTranslator<Key extends string>(
  load: (chosen: Lang) => Promise<Record<Key, string>>,
  loadFirst: (chosen: Lang) => Promise<Partial<Record<Key, string>>> = load,
) {
  const texts = signal<Partial<Record<Key, string>>>({});

  let wanted: Lang = lang.value;
  /** The language of which all texts are loaded. */
  let whole: Lang | null = null;

  /** All texts of a language: by default of that of the page, which it has loaded at most once. */
  async function loadTexts(chosen: Lang = wanted): Promise<void> {
    wanted = chosen;
    if (whole === chosen) return;
    const loaded = await load(chosen);
    // Downloads may finish in any order: the last choice counts.
    if (wanted !== chosen) return;
    texts.value = loaded;
    whole = chosen;
    lang.value = chosen;
  }

  /** The texts that are needed at once. */
  async function loadFirstTexts(): Promise<void> {
    const loaded = await loadFirst(wanted);
    if (whole === null) texts.value = loaded;
  }

  async function setLang(chosen: Lang): Promise<void> {
    // Before the download: the choice must survive a reload in the meantime.
    storage.set("chinwag.lang", chosen);
    await loadTexts(chosen);
  }

  /**
   * The text for a key. A placeholder `{name}` is replaced by the value of that name, and `{name|one:day|other:days}` by the
   * form for that number.
   */
  function t(key: Key, values: Values = {}): string {
    const text = texts.value[key] ?? "";
    return text.replace(/\{(\w+)(?:\|(.+?))?\}/g, (placeholder, name: string, forms?: string) => {
      const value = values[name] ?? placeholder;
      return forms ? formFor(Number(value), forms) : String(value);
    });
  }

  return { loadTexts, loadFirstTexts, setLang, t };
}
