// Formats tables as Markdown that is readable as plain text.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Browser } from "../../tests/e2e/fixtures";
import { median } from "./stats";
import type { People } from "./people";
import { ROUNDS } from "./start";

/** The name of a measurement and the function that makes its tables. */
export type Section = [string, (browser: Browser, people: People) => Promise<string>];

/** Aligns the first column to the left and the others, which are numbers, to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(4, title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) => {
    const padded = widths.map((width, at) => {
      const cell = cells[at] ?? "";
      return at === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |\n`;
  };
  const rule = widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return line(head) + line(rule) + rows.map(line).join("");
}

/** Describes machine, browser and build. */
export function about(chromium: string, others: readonly number[]): string {
  const [, system] = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  const cores = cpus();
  const isRelease = process.env.CHINWAG_BIN?.includes("/release/");
  return [
    `${new Date().toISOString().slice(0, 10)} · ${cores.length} cores (${cores[0]?.model}), ${system}`,
    `Chromium ${chromium} without GPU, Node.js ${process.versions.node}, ${redisVersion()}`,
    `${isRelease ? "release build" : "DEBUG build"} · medians of ${ROUNDS}`,
    `other processes took ${Math.round(median(others) * 100)} % of the machine between the measurements`,
  ].join(", ");
}

function redisVersion(): string {
  const [, version] = /v=([\d.]+)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" })) ?? [];
  return `Redis ${version}`;
}
