import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { installable } from "./vite.app.ts";

const server = process.env.CHINWAG_URL ?? "http://127.0.0.1:8000";

/** Stands in for React, for which the virtual list is written. */
const reactShim = fileURLToPath(new URL("./src/react.ts", import.meta.url));

export default defineConfig({
  plugins: [installable],
  resolve: {
    alias: {
      "react/jsx-runtime": reactShim,
      "react-dom": reactShim,
      react: reactShim,
    },
  },
  build: {
    target: "es2022",
    // Data URLs would need another source in the content security policy.
    assetsInlineLimit: 0,
    // The page names all scripts of its first view. What is loaded later imports little but these.
    modulePreload: {
      polyfill: false,
      resolveDependencies: (_, files, { hostType }) => (hostType === "html" ? files : []),
    },
  },
  server: {
    proxy: {
      "/admin": {
        target: server,
        bypass: ({ url }) => (url && /^\/admin(\?|$)/.test(url) ? "/admin.html" : undefined),
      },
      "/api": server,
      "/dashboard": {
        target: server,
        bypass: ({ url }) => (url && /^\/dashboard(\?|$)/.test(url) ? "/dashboard.html" : undefined),
      },
      "/asyncapi.json": server,
      "/docs": {
        target: server,
        bypass: ({ url }) => (url === "/docs/sockets/try" ? "/sockets.html" : undefined),
      },
      "/uploads": server,
      "/ws": { target: server, ws: true },
    },
  },
});
