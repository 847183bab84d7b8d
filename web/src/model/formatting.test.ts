import { describe, expect, it } from "vitest";
import type { Mention } from "../net/types";
import { type Block, cutBlocks, parseText } from "./formatting";
import type { Inline, Leaf } from "./marks";

/** Writes parts like a page would, in tags. */
function drawnParts(parts: Inline[]): string {
  const tags = { code: "c", bold: "b", italic: "i", strike: "s", link: "a", mention: "m" };
  return parts
    .map((part) => {
      if (part.kind === "text") return part.text;
      const tag = tags[part.kind];
      return `<${tag}>${"parts" in part ? drawnParts(part.parts) : part.text}</${tag}>`;
    })
    .join("");
}

function drawnBlock(block: Block): string {
  switch (block.kind) {
    case "lines":
      return block.lines.map(({ parts }) => drawnParts(parts)).join("\n");
    case "code":
      return `<pre ${block.language}>${block.lines.map(({ text }) => text).join("\n")}</pre>`;
    case "quote":
      return `<q>${block.blocks.map(drawnBlock).join("¶")}</q>`;
    case "list":
      return block.items
        .map(({ number, blocks }) => `<li${number ?? ""}>${blocks.map(drawnBlock).join("¶")}</li>`)
        .join("");
  }
}

const drawn = (text: string, mentions: Mention[] = []) => parseText(text, mentions).map(drawnBlock).join("¶");

const leavesOfParts = (parts: Inline[]): Leaf[] =>
  parts.flatMap((part) => ("parts" in part ? leavesOfParts(part.parts) : [part]));

function leavesOf(blocks: Block[]): Leaf[] {
  return blocks.flatMap((block) => {
    if (block.kind === "lines") return block.lines.flatMap(({ parts }) => leavesOfParts(parts));
    if (block.kind === "code") return block.lines;
    return leavesOf(block.kind === "quote" ? block.blocks : block.items.flatMap(({ blocks }) => blocks));
  });
}

/** How deep elements are inside of one another. */
function depthOf(node: Block | Inline): number {
  const inner =
    node.kind === "quote"
      ? node.blocks
      : node.kind === "list"
        ? node.items.flatMap(({ blocks }) => blocks)
        : node.kind === "lines"
          ? node.lines.flatMap(({ parts }) => parts)
          : "parts" in node
            ? node.parts
            : [];
  return 1 + inner.reduce((most, each) => Math.max(most, depthOf(each)), 0);
}

/** Each text of the nodes is in the typed text at its index, and everything left out is a mark. */
function expectKept(text: string): void {
  let at = 0;
  for (const leaf of leavesOf(parseText(text))) {
    expect(leaf.at).toBeGreaterThanOrEqual(at);
    expect(text.slice(leaf.at, leaf.at + leaf.text.length)).toBe(leaf.text);
    expect(text.slice(at, leaf.at)).toMatch(/^[\s`*_~>\d.\w+#-]*$/);
    at = leaf.at + leaf.text.length;
  }
  expect(text.slice(at)).toMatch(/^[\s`*_~>]*$/);
}

describe("inside a line", () => {
  it.each([
    ["**bold**", "<b>bold</b>"],
    ["a *b* _c_ ~~d~~ `e`", "a <i>b</i> <i>c</i> <s>d</s> <c>e</c>"],
    ["***both***", "<b><i>both</i></b>"],
    ["**a *b* c**", "<b>a <i>b</i> c</b>"],
    ["*a **b** c*", "<i>a <b>b</b> c</i>"],
    ["**a ~~b _c_~~**", "<b>a <s>b <i>c</i></s></b>"],
    ["(*a*), **b**: “*c*”。", "(<i>a</i>), <b>b</b>: “<i>c</i>”。"],
    ["这是**加粗**的，*斜体*也行", "这是<b>加粗</b>的，<i>斜体</i>也行"],
    ["支持**Rust**语言", "支持<b>Rust</b>语言"],
    ["**注意：**请看", "<b>注意：</b>请看"],
    ["😀**b**😀", "😀<b>b</b>😀"],
    ["`**not bold**`", "<c>**not bold**</c>"],
    ["**`code`**", "<b><c>code</c></b>"],
    ["`` a`b ``", "<c>a`b</c>"],
    ["```one line```", "<c>one line</c>"],
    ["`<b>` is a tag", "<c><b></c> is a tag"],
  ])("marks are formatting: %s", (text, wanted) => {
    expect(drawn(text)).toBe(wanted);
    expectKept(text);
  });

  it.each([
    ["2*3*4 2**3**4 f(x)**2 + g(x)**2"],
    ["snake_case_name __init__ __proto__ 变量_名字_表"],
    ["x * a * b ** c ** d"],
    ["**never closed"],
    ["never opened**"],
    ["*.txt and *.md"],
    ["/path/*/to/*/it"],
    ["char *p, *q; int **r, **s"],
    ["好的~~明天见~~ hmm ~~~ a ~ b"],
    ["**** ** ** ____ ~~~~"],
    ["¯\\_(ツ)_/¯ >_< *_* <*> <*> -_- ok -_- ^_^ ok ^_^"],
    ["` ``` `` a ```` b"],
    ["**a\nb**"],
    ["# no heading"],
    ["[no](link) ![no](picture)"],
    ["| no | table |"],
    ["<b>no</b> &amp; &lt;"],
    ["---"],
    [""],
    ["\n\n a  \n\n"],
  ])("what is none stays as typed: %j", (text) => expect(drawn(text)).toBe(text));

  it.each([
    ["**https://a.example/b_c_d**", "<b><a>https://a.example/b_c_d</a></b>"],
    ["*see www.a.example.*", "<i>see <a>www.a.example</a>.</i>"],
    ["_https://a.example/x_", "<i><a>https://a.example/x</a></i>"],
    ["~~https://a.example/~x~~", "<s><a>https://a.example/~x</a></s>"],
    ["https://a.example/*b*/_c_", "<a>https://a.example/*b*/_c_</a>"],
    ["`https://a.example` https://b.example", "<c>https://a.example</c> <a>https://b.example</a>"],
    ["`a https://a.example b` me@a.example", "<c>a https://a.example b</c> <a>me@a.example</a>"],
  ])("addresses keep working: %s", (text, wanted) => {
    expect(drawn(text)).toBe(wanted);
    expectKept(text);
  });
});

describe("blocks", () => {
  it.each([
    ["```\na *b*\n  c\n```", "<pre >a *b*\n  c</pre>"],
    ["```rust\nfn main() {}\n```", "<pre rust>fn main() {}</pre>"],
    ["```c++\n\n\nx\n```\nafter", "<pre c++>\n\nx</pre>¶after"],
    ["```let a = 1;\nlet b;```", "<pre >let a = 1;\nlet b;</pre>"],
    ["see:\n\n```\nx\n```\n\nand", "see:¶<pre >x</pre>¶and"],
    ["```\na\n```\n```\nb\n```", "<pre >a</pre>¶<pre >b</pre>"],
    ["> a\n> b\nc", "<q>a\nb</q>¶c"],
    ["> a\n>> b\n> > c", "<q>a¶<q>b\nc</q></q>"],
    ["> ```\n> x\n> ```", "<q><pre >x</pre></q>"],
    ["> - a\n> - **b**", "<q><li>a</li><li><b>b</b></li></q>"],
    ["- a\n- b", "<li>a</li><li>b</li>"],
    ["* a\n* *b*", "<li>a</li><li><i>b</i></li>"],
    ["1. a\n2. b\n7. c", "<li1>a</li><li2>b</li><li7>c</li>"],
    ["- a\n  - b\n    - c\n- d", "<li>a¶<li>b¶<li>c</li></li></li><li>d</li>"],
    ["1. a\n   still a\n2. b", "<li1>a\nstill a</li><li2>b</li>"],
    ["买：\n- 米\n- 茶\n好", "买：¶<li>米</li><li>茶</li>¶好"],
    ["- a\n1. b", "<li>a</li>¶<li1>b</li>"],
    ["a\r\n> b\r\nc", "a\r¶<q>b\r</q>¶c"],
  ])("%j", (text, wanted) => {
    expect(drawn(text)).toBe(wanted);
    expectKept(text);
  });

  it.each([
    ["```\nnever closed"],
    ["```"],
    ["```\n```"],
    ["a ``` b\n```"],
    [">no space >_<"],
    ["-no space"],
    ["-"],
    ["1.5 kg\n1) a"],
    ["2026. A good year"],
  ])("what is none stays as typed: %j", (text) => expect(drawn(text)).toBe(text));
});

const hostile: [string, string][] = [
  ["openers", "*a ".repeat(1666)],
  ["closers", "a* ".repeat(1666)],
  ["both", "*a* ".repeat(1250)],
  ["all marks open", "**a *b ~~c _d `e ".repeat(290)],
  ["bold in italic", "**a *b** c* ".repeat(410)],
  ["runs of three", "***a***".repeat(700)],
  ["one run", "*".repeat(5000)],
  ["backticks of all lengths", Array.from({ length: 99 }, (_, at) => "`".repeat(at + 1)).join(" ")],
  ["backticks that nothing closes", "`a ``b ```c ".repeat(400)],
  ["quotes in quotes", ">".repeat(4999)],
  ["quotes in quotes in lines", `${">".repeat(70)} a\n`.repeat(69)],
  ["lists in lists", "- ".repeat(2500)],
  ["lists ever deeper", Array.from({ length: 98 }, (_, at) => `${" ".repeat(at)}- a`).join("\n")],
  ["quotes in lists", "> - 1. ".repeat(714)],
  ["code that nothing closes", "```\n".repeat(1250)],
  ["code that opens on every line", "```a\n".repeat(1000)],
  ["lines", "\n".repeat(5000)],
  ["spaces", " ".repeat(5000)],
  ["brackets behind an address", `https://a.example/${")".repeat(4980)}`],
  ["brackets in pairs", `https://a.example/${"()".repeat(2490)}`],
  ["addresses", "https://a.example/_b_ ".repeat(227)],
  ["half an address", "a@".repeat(2500)],
  ["markup", '<img src=x onerror="hit=1">'.repeat(185)],
  ["controls", "\u202e*a*\u2066`b`\u200f".repeat(550)],
  ["lone surrogates", "\ud83d*\udc00*".repeat(1250)],
];

describe("hostile texts", () => {
  it.each(hostile)("keep what was typed: %s", (_, text) => {
    expectKept(text);
    // Four marks in a line, four blocks around it, a text inside.
    for (const block of parseText(text)) expect(depthOf(block)).toBeLessThanOrEqual(10);
  });

  it.each(hostile)("take no more nodes than characters: %s", (_, text) => {
    expect(leavesOf(parseText(text)).length).toBeLessThanOrEqual(text.length + 1);
  });
});

describe("the beginning of a formatted text", () => {
  const text = "say **bold *and* more**\n- one\n- two\n```js\nlet a;\nlet b;\n```\n> quoted";
  it("has the texts before the end and nothing behind it", () => {
    for (let end = 1; end <= text.length; end += 1) {
      const before = leavesOf(parseText(text)).filter(({ at }) => at < end);
      const wanted = before.map(({ at, text }) => ({ at, text: text.slice(0, end - at) }));
      const kept = leavesOf(cutBlocks(parseText(text), end));
      expect(kept.map(({ at, text }) => ({ at, text }))).toEqual(wanted);
    }
  });

  it("keeps the formatting of what is cut", () => {
    const cut = (end: number) => cutBlocks(parseText(text), end).map(drawnBlock).join("¶");
    expect(cut(8)).toBe("say <b>bo</b>");
    expect(cut(text.indexOf("let b") + 3)).toMatch(/<pre js>let a;\nlet<\/pre>$/);
  });

  it("leads where the whole address leads", () => {
    const [block] = cutBlocks(parseText("see https://example.org/long"), 15);
    expect(block).toMatchObject({
      lines: [{ parts: [{ text: "see " }, { text: "https://exa", href: "https://example.org/long" }] }],
    });
  });
});

describe("mentions", () => {
  const mentions = ["_bob_", "a*b", "www.example.org", "张三"].map((name, at) => ({ user_id: at, name }));

  it.each([
    ["@_bob_ and @a*b*", "<m>@_bob_</m> and <m>@a*b</m>*"],
    ["**@张三** @张三吃饭", "<b><m>@张三</m></b> <m>@张三</m>吃饭"],
    ["- > @张三", "<li><q><m>@张三</m></q></li>"],
    ["@www.example.org www.example.org", "<m>@www.example.org</m> <a>www.example.org</a>"],
    ["`@张三` https://a.example/@张三", "<c>@张三</c> <a>https://a.example/@</a>张三"],
    ["```\n@张三\n```", "<pre >@张三</pre>"],
    ["@nobody", "@nobody"],
  ])("are whole, whatever formatting their names look like: %s", (text, wanted) => {
    expect(drawn(text, mentions)).toBe(wanted);
  });

  it("are cut with the text", () => {
    expect(leavesOf(cutBlocks(parseText("ab @张三", mentions), 5)).map(({ text }) => text)).toEqual([
      "ab ",
      "@张",
    ]);
  });
});
