// The texts of the client, by which the screenshots find what they click.
import { texts as adminEnglish } from "../../../web/src/admin/i18n/en";
import { texts as adminChinese } from "../../../web/src/admin/i18n/zh";
import { texts as firstEnglish } from "../../../web/src/i18n/en";
import { texts as linksEnglish } from "../../../web/src/i18n/en_links";
import { texts as restEnglish } from "../../../web/src/i18n/en_rest";
import { texts as firstChinese } from "../../../web/src/i18n/zh";
import { texts as linksChinese } from "../../../web/src/i18n/zh_links";
import { texts as restChinese } from "../../../web/src/i18n/zh_rest";
import { texts as socketEnglish } from "../../../web/src/sockets/i18n/en";
import { texts as socketChinese } from "../../../web/src/sockets/i18n/zh";

export type Words = (key: string, values?: Record<string, string | number>) => string;

const fill =
  (texts: Record<string, string>): Words =>
  (key, values = {}) => {
    const text = texts[key];
    if (text === undefined) throw new Error(`no text ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  };

export const wordsOf = (locale: string): Words =>
  fill(
    locale === "zh-CN"
      ? { ...firstChinese, ...restChinese, ...linksChinese }
      : { ...firstEnglish, ...restEnglish, ...linksEnglish },
  );
export const adminWordsOf = (locale: string): Words => fill(locale === "zh-CN" ? adminChinese : adminEnglish);
export const socketWordsOf = (locale: string): Words =>
  fill(locale === "zh-CN" ? socketChinese : socketEnglish);
