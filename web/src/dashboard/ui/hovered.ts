import { signal } from "@preact/signals";

/** Which step the pointer is at, in whichever chart: all charts tell their values of it. */
export const hovered = signal<number | null>(null);
