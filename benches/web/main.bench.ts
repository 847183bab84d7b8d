// Measures the web client (scripts/bench web): what a page downloads, when the list can be used, what a long list and
// a long history cost, how long a message takes. Prints tables; `record` puts them into docs/performance.md.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "../../tests/e2e/world";
import { downloads } from "./download";
import { othersShare } from "./stats";
import { longLists } from "./long";
import { messages } from "./message";
import { people } from "./people";
import { about, type Section } from "./report";
import { starts } from "./start";

const PAGE = resolve(import.meta.dirname, "../../docs/performance.md");
const FIRST_LINE = "<!-- scripts/bench web record -->\n";
const LAST_LINE = "<!-- end web -->\n";

test("the web client", async ({ browser }) => {
  console.error("making 500 conversations and 1,000 messages");
  const who = await people();
  const sections: Section[] = [
    ["downloads", downloads],
    ["time to the list", starts],
    ["memory and frames", longLists],
    ["messages", messages],
  ];
  const tables: string[] = [];
  const others: number[] = [];
  for (const [name, measure] of sections) {
    // Nothing of ours runs while this is looked at.
    others.push(await othersShare());
    console.error(`measuring: ${name}`);
    tables.push(await measure(browser, who));
  }
  const text = `${about(browser.version(), others)}\n\n${tables.join("\n")}`;
  console.log(`\n${text}`);
  if (process.env.CHINWAG_BENCH === "record") record(text);
});

function record(tables: string): void {
  const page = readFileSync(PAGE, "utf8");
  const from = page.indexOf(FIRST_LINE) + FIRST_LINE.length;
  const to = page.indexOf(LAST_LINE, from);
  if (from < FIRST_LINE.length || to < 0) throw new Error("the page has no place for the tables");
  writeFileSync(PAGE, page.slice(0, from) + tables + page.slice(to));
}
