// Draws a page in the place of what its document says until the scripts are there.

import { type ComponentChild, render } from "preact";

export function mount(page: ComponentChild): void {
  const root = document.getElementById("app");
  if (!root) return;
  // It would stay above or below the page.
  root.replaceChildren();
  render(page, root);
}
