// Whether the chat can be installed as an app.

import { signal } from "@preact/signals";

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

/** The browser's offer to install, which may come before the page is drawn; it can be used once. */
const offered = signal<InstallPrompt | null>(null);

addEventListener("beforeinstallprompt", (event) => {
  // The menu has an entry instead of the browser's own banner.
  event.preventDefault();
  offered.value = event as InstallPrompt;
});
addEventListener("appinstalled", () => {
  offered.value = null;
});

export const canInstall = () => offered.value !== null;

export async function install(): Promise<void> {
  const prompt = offered.peek();
  offered.value = null;
  await prompt?.prompt();
}
