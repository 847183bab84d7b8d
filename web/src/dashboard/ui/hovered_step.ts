import { signal } from "@preact/signals";

/** The step under the pointer in any chart. All legends show their values of it. */
export const hoveredStep = signal<number | null>(null);
