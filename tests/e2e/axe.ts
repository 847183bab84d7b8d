// What axe, which looks for violations of accessibility rules, finds on a page.
import type { Page } from "@playwright/test";
import axe from "axe-core";
import { expect } from "./fixtures";

/** The rules whose outcome depends on the theme. */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

/** Rules that axe calls moderate, but by which screen readers find the way. */
const OF_STRUCTURE = ["landmark-one-main", "landmark-no-duplicate-main", "page-has-heading-one"];

/** Expects that axe finds no serious or critical violations on the page. */
export async function scan(page: Page, what: string): Promise<void> {
  expect(await violations(page), what).toEqual([]);
}

/** The same in the light and in the dark theme, which differ only in their colours. */
export async function scanThemes(page: Page, what: string): Promise<void> {
  await scan(page, `${what}, light`);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await violations(page, OF_COLOURS), `${what}, dark`).toEqual([]);
  await page.emulateMedia({ colorScheme: "light" });
}

async function violations(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(
    async ([rules, structure]) => {
      const runOnly = rules && { type: "rule" as const, values: rules };
      // Describing all that is in order takes longer than the search.
      const { violations } = await window.axe.run({
        ...(runOnly && { runOnly }),
        resultTypes: ["violations"],
      });
      const serious = violations.filter(
        ({ id, impact }) => impact === "serious" || impact === "critical" || structure?.includes(id),
      );
      return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    },
    [rules, OF_STRUCTURE] as const,
  );
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}
