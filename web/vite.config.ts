import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const server = process.env.CHINWAG_URL ?? "http://127.0.0.1:8000";

/** The virtual list is written for React. */
const shim = fileURLToPath(new URL("./src/react.ts", import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      "react/jsx-runtime": shim,
      "react-dom": shim,
      react: shim,
    },
  },
  build: {
    target: "es2022",
    // Data addresses would need another source in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
  server: {
    proxy: {
      "/api": server,
      "/dashboard": {
        target: server,
        bypass: ({ url }) => (url && /^\/dashboard(\?|$)/.test(url) ? "/dashboard.html" : undefined),
      },
      "/uploads": server,
      "/ws": { target: server, ws: true },
    },
  },
});
