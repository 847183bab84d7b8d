import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { texts as adminTexts } from "../admin/i18n/en";
import { texts as dashboardTexts } from "../dashboard/i18n/en";
import { type Lang, lang } from "../settings/preferences";
import { texts as socketTexts } from "../sockets/i18n/en";
import { loadTexts, setLang, t } from ".";
import { texts as enFirst } from "./en";
import { texts as enRest } from "./en_rest";
import { createTranslator } from "./translator";
import { texts as zhFirst } from "./zh";
import { texts as zhRest } from "./zh_rest";

const en = { ...enFirst, ...enRest };
const zh = { ...zhFirst, ...zhRest };
const SOURCE = join(import.meta.dirname, "..");

function sources(): string {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  const own = files.filter(
    (name) => /\.tsx?$/.test(name) && !/^(testing\/|i18n\/(en|zh))|\.test\./.test(name),
  );
  return own.map((name) => readFileSync(join(SOURCE, name), "utf8")).join("\n");
}

describe("the two languages", () => {
  it("have the same keys with the same placeholders", () => {
    const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(places(zh[key]), key).toEqual(places(en[key]));
      expect(zh[key], key).not.toBe("");
    }
  });

  it("have no unused texts", () => {
    const text = sources();
    // Keys that the code composes: find.${kind}, msg.${state}, notify.${level}, theme.${name}, members.${role}, emoji.${group}.
    const composed =
      /^(find\.(picture|file|link)|msg\.(waiting|sending|sent|delivered|read)|notify\.(all|mentions|none)|theme\.(system|light|dark)|members\.(owner|admin)|emoji\.\w+)$/;
    const unused = Object.keys(en).filter((key) => !composed.test(key) && !text.includes(`"${key}"`));
    expect(unused).toEqual([]);
  });
});

describe("texts", () => {
  beforeAll(() => loadTexts("en"));

  it("fill placeholders and leave unknown ones", () => {
    expect(t("typing.two", { a: "Ann", b: "{a}" })).toBe("Ann and {a} are typing");
    expect(t("list.own")).toBe("You: {text}");
  });

  it("count by the plural rules of the language", async () => {
    const counted = (n: number) => [t("room.memberCount", { n }), t("find.count", { n })];
    expect(counted(1)).toEqual(["1 member", "1 message found"]);
    expect(counted(0)).toEqual(["0 members", "0 messages found"]);
    expect(counted(1234)).toEqual(["1234 members", "1234 messages found"]);
    await setLang("zh");
    expect(counted(1)).toEqual(["1 位成员", "找到 1 条消息"]);
    await setLang("en");
  });

  it("have a form for one wherever they count", () => {
    const all = { ...en, ...adminTexts, ...dashboardTexts, ...socketTexts };
    const fixed = Object.values(all).filter((text) => /\{(n|used|uses|max)\} [a-z]{2,}s\b/.test(text));
    expect(fixed).toEqual([]);
  });

  it("follow the chosen language, which is stored", async () => {
    await setLang("zh");
    expect(t("menu.logout")).toBe("退出登录");
    expect(localStorage.getItem("chinwag.lang")).toBe("zh");
    await setLang("en");
    expect(t("menu.logout")).toBe("Log out");
  });

  it("are stored as chosen before they are downloaded, and follow the last choice", async () => {
    const downloads = new Map<Lang, (texts: { word: string }) => void>();
    const slow = createTranslator<"word">((chosen) => new Promise((done) => downloads.set(chosen, done)));
    const first = slow.setLang("zh");
    expect(localStorage.getItem("chinwag.lang")).toBe("zh");
    const second = slow.setLang("en");
    downloads.get("en")?.({ word: "word" });
    downloads.get("zh")?.({ word: "词" });
    await Promise.all([first, second]);
    expect(slow.t("word")).toBe("word");
    expect(lang.value).toBe("en");
    expect(localStorage.getItem("chinwag.lang")).toBe("en");
  });

  it("are first those that are needed at once, which never replace all of them", async () => {
    const all = async () => ({ first: "one", rest: "two" });
    let release = () => {};
    const some = () => new Promise<{ first: string }>((done) => (release = () => done({ first: "one" })));
    const quick = createTranslator<"first" | "rest">(all, some);
    const first = quick.loadFirstTexts();
    release();
    await first;
    expect([quick.t("first"), quick.t("rest")]).toEqual(["one", ""]);
    const late = quick.loadFirstTexts();
    await quick.loadTexts();
    release();
    await late;
    expect([quick.t("first"), quick.t("rest")]).toEqual(["one", "two"]);
  });

  it("of the list are loaded at once, and no others", () => {
    const others = /^(account|login|register|msg|members|settings|compose|tray|image)\./;
    expect(Object.keys(enFirst).filter((key) => others.test(key))).toEqual([]);
  });
});
