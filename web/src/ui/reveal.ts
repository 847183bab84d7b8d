// Shows a row of the history while rows around it are still loaded and measured.

/** A row is shown once it has rested in view for so long. */
const RESTED_MS = 250;
/** After so many frames, three seconds, it stays wherever it is. A busy machine draws fewer in that time. */
const LIMIT_FRAMES = 180;
/** What the user does to go elsewhere. */
const INPUT = ["wheel", "touchstart", "pointerdown", "keydown"] as const;

interface Reveal {
  /** Scrolls to the row. Returns `false` if it is not among the rows yet. */
  scroll: () => boolean;
  /** The row, if it is drawn. */
  row: () => HTMLElement | null | undefined;
  /** Called once, when the row is in view for the first time. */
  onSeen: (row: HTMLElement) => void;
}

/**
 * Scrolls to a row until it rests in view, or the user scrolls elsewhere. Once is not enough: the list gives up when
 * older rows arrive above before all are measured, and what was to be in view ends up outside of it.
 */
export async function reveal(box: HTMLElement, { scroll, row, onSeen }: Reveal): Promise<void> {
  const interrupted = new AbortController();
  for (const type of INPUT) {
    box.addEventListener(type, () => interrupted.abort(), { passive: true, signal: interrupted.signal });
  }
  let since = performance.now();
  let lastTop: number | undefined;
  let isScrolled = false;
  let isSeen = false;
  for (let frames = 0; frames < LIMIT_FRAMES; frames += 1) {
    await new Promise(requestAnimationFrame);
    if (interrupted.signal.aborted) return;
    const now = performance.now();
    const shown = isScrolled ? row() : null;
    const top = shown ? topInView(shown, box) : undefined;
    if (top === undefined) isScrolled = scroll();
    if (shown && top !== undefined && !isSeen) onSeen(shown);
    isSeen ||= top !== undefined;
    if (top === undefined || top !== lastTop) since = now;
    else if (now - since >= RESTED_MS) break;
    lastTop = top;
  }
  interrupted.abort();
}

/** Where a row begins, if all of it is in view; of a row that is taller than the view, if its middle is. */
function topInView(row: HTMLElement, box: HTMLElement): number | undefined {
  // The list hides rows until it has measured them.
  if (getComputedStyle(row).visibility === "hidden") return undefined;
  const { top, bottom, height } = row.getBoundingClientRect();
  const view = box.getBoundingClientRect();
  const middle = top + height / 2;
  const isInView =
    height <= view.height
      ? top >= view.top && bottom <= view.bottom
      : middle > view.top && middle < view.bottom;
  return isInView ? top : undefined;
}
