import { render } from "preact";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { me } from "../model/session";
import { toast } from "../model/toast";
import type { Mention } from "../net/types";
import { account } from "../testing/fixtures";
import { CardOfMention, Text } from "./text";

function draw(text: string, mentions?: Mention[]): Element {
  document.body.innerHTML = "<div></div>";
  const root = document.body.firstElementChild as Element;
  render(
    <CardOfMention.Provider value={() => null}>
      <Text text={text} mentions={mentions} />
    </CardOfMention.Provider>,
    root,
  );
  return root;
}

beforeEach(() => loadTexts("en"));

it("draws formatting as elements", () => {
  const drawn = draw("**a** *b* ~~c~~ `d`\n- e\n1. f\n> g\n```js\nh\n```");
  const tags = [...drawn.querySelectorAll(".text *")].map(({ tagName }) => tagName.toLowerCase());
  const wanted = "p strong em s code ul li p ol li p blockquote p div span button svg path pre code";
  expect(tags.join(" ")).toBe(wanted);
  expect(drawn.querySelector("ol li")?.getAttribute("value")).toBe("1");
});

it("marks mentions, those of the user more, and never as markup", () => {
  me.value = account(1, "Alice");
  const evil = "<b>x</b>";
  const mentions = [
    { user_id: 1, name: "Alice" },
    { user_id: 2, name: evil },
    { user_id: null, name: "all" },
  ];
  const drawn = draw(`@Alice @${evil} @all @Eve`, mentions);
  const marked = [...drawn.querySelectorAll(".mention")].map(({ tagName, textContent }) => [
    tagName,
    textContent,
  ]);
  expect(marked).toEqual([
    ["MARK", "@Alice"],
    ["SPAN", `@${evil}`],
    ["MARK", "@all"],
  ]);
  expect(drawn.querySelector("b")).toBeNull();
  // Everybody has no card.
  const stops = [...drawn.querySelectorAll(".mention[role=button][tabindex='0']")];
  expect(stops.map(({ textContent }) => textContent)).toEqual(["@Alice", `@${evil}`]);
});

it("draws a text without blocks as one paragraph with its line breaks", () => {
  const [text] = draw(" a\n\n *b*  ").children;
  expect(text?.tagName).toBe("P");
  expect(text?.textContent).toBe(" a\n\n b  ");
});

describe("markup inside of formatting is text", () => {
  const evil = '<img src=x onerror="hit=1">';
  it.each([
    [`**${evil}**`, "strong"],
    [`*${evil}*`, "em"],
    [`~~${evil}~~`, "s"],
    [`\`${evil}\``, "code"],
    [`\`\`\`\n${evil}\n\`\`\``, "pre"],
    [`> ${evil}`, "blockquote"],
    [`- ${evil}`, "ul"],
    [`1. ${evil}`, "ol"],
  ])("%s", (text, tag) => {
    const drawn = draw(text);
    expect(drawn.querySelector(tag)?.textContent).toBe(evil);
    expect(drawn.querySelector("img")).toBeNull();
  });
});

it("takes the direction of lists and quotes from their text", () => {
  const drawn = draw("> اقتباس\n\n- واحد\n- اثنان");
  for (const tag of ["blockquote", "ul"]) {
    expect(drawn.querySelector(tag)?.getAttribute("dir")).toBe("auto");
    // Browsers do not look at the letters of what has a direction of its own.
    expect(drawn.querySelector(`${tag} [dir]`)).toBeNull();
  }
});

it("shows what reorders code, and keeps it", () => {
  const code = "if (a\u202e) { // \u2066";
  const block = draw(`\`\`\`\n${code}\n\`\`\``);
  expect(block.querySelector("pre")?.textContent).toBe(code);
  const controls = [...block.querySelectorAll<HTMLElement>(".control")];
  expect(controls.map(({ dataset }) => dataset.number)).toEqual(["202E", "2066"]);
});

it("copies a block of code as it was typed", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
  const button = draw("see\n```js\n  a\n\n\tb **c**\n```").querySelector("button");
  button?.click();
  await vi.waitFor(() => expect(toast.value?.text).toBe("Copied"));
  expect(writeText).toHaveBeenCalledWith("  a\n\n\tb **c**");
  vi.unstubAllGlobals();
});
