import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vite";

// Built after the chat and before the dashboard: the worker keeps the files that are there by then.
const files = readdirSync("dist/assets")
  .sort()
  .map((name) => `/assets/${name}`);
const page = readFileSync("dist/index.html");
const version = createHash("sha256").update(page).update(files.join()).digest("hex").slice(0, 16);

export default defineConfig({
  define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(version) },
  build: {
    target: "es2022",
    emptyOutDir: false,
    rolldownOptions: {
      input: "src/worker/main.ts",
      // Its name has no hash: browsers look for a new version at the same address.
      output: { format: "iife", entryFileNames: "worker.js" },
    },
  },
});
