// A region that scrolls by itself.

import type { ComponentChildren } from "preact";

/** A region that scrolls. It takes the focus, so that the keyboard can scroll it. */
export function ScrollRegion({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
