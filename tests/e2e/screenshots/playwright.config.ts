// Screenshots of the client, taken by scripts/screenshots.
import { defineConfig } from "@playwright/test";
import base, { CHROMIUM, launch } from "../playwright.config";

export default defineConfig({
  ...base,
  testDir: ".",
  testMatch: "take.ts",
  outputDir: "../../../target/screenshots/failed",
  globalSetup: "../servers.ts",
  timeout: 1_200_000,
  expect: { timeout: 60_000 },
  projects: [{ name: "screenshots", use: { launchOptions: launch(CHROMIUM) } }],
  use: { ...base.use, actionTimeout: 60_000 },
});
