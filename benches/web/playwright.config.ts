// Runs the measurements like the browser tests, with two nodes, one Redis and Debian's Chromium, one page at a time.
import tests from "../../tests/e2e/playwright.config";

export default {
  ...tests,
  testDir: ".",
  testMatch: "main.bench.ts",
  outputDir: "../../target/bench/web",
  globalSetup: "../../tests/e2e/servers.ts",
  workers: 1,
  timeout: 420_000,
  reporter: [["dot"]],
};
