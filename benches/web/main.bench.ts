// Measures the web client (scripts/bench web): downloads, time to a usable list, cost of long lists and histories,
// latency of messages. Prints tables. `record` writes them to docs/performance.md.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "../../tests/e2e/fixtures";
import { downloads } from "./download";
import { othersShare } from "./stats";
import { longLists } from "./long";
import { messages } from "./message";
import { createPeople } from "./people";
import { about, type Section } from "./report";
import { starts } from "./start";

const PAGE = resolve(import.meta.dirname, "../../docs/performance.md");
const FIRST_LINE = "<!-- scripts/bench web record -->\n";
const LAST_LINE = "<!-- end web -->\n";

test("the web client", async ({ browser }) => {
  console.error("making 500 conversations and 1,000 messages");
  const people = await createPeople();
  const sections: Section[] = [
    ["downloads", downloads],
    ["time to the list", starts],
    ["memory and frames", longLists],
    ["messages", messages],
  ];
  const tables: string[] = [];
  const others: number[] = [];
  for (const [name, measure] of sections) {
    // Only other processes are busy during this measurement.
    others.push(await othersShare());
    console.error(`measuring: ${name}`);
    tables.push(await measure(browser, people));
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
