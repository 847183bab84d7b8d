// The texts of the client, by which the screenshots find what they click.
import { texts as adminEnglish } from "../../../web/src/admin/i18n/en";
import { texts as adminChinese } from "../../../web/src/admin/i18n/zh";
import { texts as firstEnglish } from "../../../web/src/i18n/en";
import { texts as restEnglish } from "../../../web/src/i18n/en_rest";
import { texts as firstChinese } from "../../../web/src/i18n/zh";
import { texts as restChinese } from "../../../web/src/i18n/zh_rest";

export type Words = (key: string, values?: Record<string, string | number>) => string;

const fill =
  (texts: Record<string, string>): Words =>
  (key, values = {}) => {
    const text = texts[key];
    if (text === undefined) throw new Error(`no text ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  };

export const wordsOf = (locale: string): Words =>
  fill(locale === "zh-CN" ? { ...firstChinese, ...restChinese } : { ...firstEnglish, ...restEnglish });
export const adminWordsOf = (locale: string): Words => fill(locale === "zh-CN" ? adminChinese : adminEnglish);
