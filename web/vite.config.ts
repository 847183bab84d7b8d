import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const server = process.env.CHINWAG_URL ?? "http://127.0.0.1:8000";

/** The virtual list is written for React. */
const shim = fileURLToPath(new URL("./src/react.ts", import.meta.url));

/** The page names the files of the chat, so that they come with its first ones, not after them. */
const preloadChat: Plugin = {
  name: "preload-chat",
  transformIndexHtml: {
    order: "post",
    handler(_, { path, bundle = {} }) {
      if (path !== "/index.html") return;
      const chunks = Object.values(bundle).filter((it) => it.type === "chunk");
      const chat = chunks.find((it) => it.facadeModuleId?.endsWith("/src/ui/chat.tsx"));
      if (!chat) return;
      const entry = chunks.find((it) => it.isEntry && chat.imports.includes(it.fileName));
      const scripts = [chat.fileName, ...chat.imports].filter((it) => it !== entry?.fileName);
      const styles = [...(chat.viteMetadata?.importedCss ?? [])];
      const link = (attrs: Record<string, string>, file: string) =>
        ({
          tag: "link",
          attrs: { ...attrs, crossorigin: true, href: `/${file}` },
          injectTo: "head",
        }) as const;
      return [
        ...scripts.map((it) => link({ rel: "modulepreload" }, it)),
        ...styles.map((it) => link({ rel: "preload", as: "style" }, it)),
      ];
    },
  },
};

export default defineConfig({
  plugins: [preloadChat],
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
