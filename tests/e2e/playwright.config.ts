// Tests of the web client in a real browser, against two nodes and one Redis (see servers.ts).
import { defineConfig } from "@playwright/test";

export const launch = (executablePath: string) => ({
  executablePath,
  args: [
    // Containers allow no sandbox and have little shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
});
export const CHROMIUM = "/usr/bin/chromium";
/** Tests of what only the whole browser can: show notifications. */
const NEEDS_CHROMIUM = /@chromium/;

export default defineConfig({
  testDir: ".",
  testMatch: "*.test.ts",
  outputDir: "../../target/e2e",
  globalSetup: "./servers.ts",
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    locale: "en-US",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 800 },
    actionTimeout: 15_000,
    // Routes of tests do not see what a service worker asks for. Tests of the worker allow it.
    serviceWorkers: "block",
    screenshot: "only-on-failure",
    // Snapshots of traces fetch pictures in ways that the content security policy refuses.
    trace: "off",
  },
  // The headless shell is the same browser without a user interface, which would take as much time as the pages.
  projects: [
    {
      name: "shell",
      grepInvert: NEEDS_CHROMIUM,
      use: { launchOptions: launch("/usr/bin/chromium-headless-shell") },
    },
    { name: "chromium", grep: NEEDS_CHROMIUM, use: { launchOptions: launch(CHROMIUM) } },
  ],
});
