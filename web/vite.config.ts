import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { installable } from "./vite.app.ts";

const server = process.env.CHINWAG_URL ?? "http://127.0.0.1:8000";

/** Stands in for React, for which the virtual list is written. */
const reactShim = fileURLToPath(new URL("./src/react.ts", import.meta.url));

/** Names the files of the chat in the page, so that browsers load them together with the first ones. */
const preloadChat: Plugin = {
  name: "preload-chat",
  transformIndexHtml: {
    order: "post",
    handler(_, { path, bundle = {} }) {
      if (path !== "/index.html") return;
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const chat = chunks.find((chunk) => chunk.facadeModuleId?.endsWith("/src/ui/chat.tsx"));
      if (!chat) return;
      const entry = chunks.find((chunk) => chunk.isEntry && chat.imports.includes(chunk.fileName));
      const scripts = [chat.fileName, ...chat.imports].filter((file) => file !== entry?.fileName);
      const styles = [...(chat.viteMetadata?.importedCss ?? [])];
      const link = (attrs: Record<string, string>, file: string) =>
        ({
          tag: "link",
          attrs: { ...attrs, crossorigin: true, href: `/${file}` },
          injectTo: "head",
        }) as const;
      return [
        ...scripts.map((file) => link({ rel: "modulepreload" }, file)),
        ...styles.map((file) => link({ rel: "preload", as: "style" }, file)),
      ];
    },
  },
};

export default defineConfig({
  plugins: [preloadChat, installable],
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
    modulePreload: false,
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
