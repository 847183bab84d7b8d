// What makes the chat installable: its manifest, and the icons that the manifest names.

import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const MANIFEST = "app.webmanifest";
/** The icons in `src/icons`, drawn from `src/icon.svg` by `scripts/screenshots --docs`. */
const ICONS = [
  { name: "icon-192", size: 192, purpose: "any" },
  { name: "icon-512", size: 512, purpose: "any" },
  { name: "icon-maskable-512", size: 512, purpose: "maskable" },
];
/** The colours of the page behind the list, as `index.html` names them. */
const LIGHT = { theme_color: "#f3f2ee", background_color: "#f3f2ee" };
const DARK = { theme_color: "#14171a", background_color: "#14171a" };

const manifest = (icons: object[]) => ({
  id: "/chat",
  name: "Chinwag",
  short_name: "Chinwag",
  lang: "en",
  dir: "ltr",
  start_url: "/chat",
  scope: "/",
  display: "standalone",
  categories: ["social", "communication"],
  ...LIGHT,
  // Browsers that do not know it take the light ones until the page is there.
  user_preferences: { color_scheme_dark: DARK },
  icons,
  shortcuts: [{ name: "Lobby", url: "/chat?room=1" }],
});

/** Links all pages to the manifest, and adds it under a name of its own, and the icons under names with a hash of their content. */
export const installable: Plugin = {
  name: "installable",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: () => [{ tag: "link", attrs: { rel: "manifest", href: `/${MANIFEST}` } }],
  },
  generateBundle: {
    // The page is there by then.
    order: "post",
    handler(_, bundle) {
      if (!("index.html" in bundle)) return;
      const icons = ICONS.map(({ name, size, purpose }) => {
        const source = readFileSync(new URL(`src/icons/${name}.png`, import.meta.url));
        const file = this.getFileName(this.emitFile({ type: "asset", name: `${name}.png`, source }));
        return { src: `/${file}`, sizes: `${size}x${size}`, type: "image/png", purpose };
      });
      this.emitFile({ type: "asset", fileName: MANIFEST, source: JSON.stringify(manifest(icons)) });
    },
  },
};
