// Pictures of the client for people to look at; scripts/screenshots runs this.
import { defineConfig } from "@playwright/test";
import base from "../playwright.config";

export default defineConfig({
  ...base,
  testDir: ".",
  testMatch: "take.ts",
  outputDir: "../../../target/screenshots/failed",
  globalSetup: "../servers.ts",
  timeout: 180_000,
});
