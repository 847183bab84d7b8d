// A short text that appears at the bottom of the page for a moment.

import { signal } from "@preact/signals";

export const toast = signal<{ text: string; id: number } | null>(null);

/** What screen readers say when they have said what they are at. */
export const spoken = signal("");

export function showToast(text: string): void {
  toast.value = { text, id: Date.now() };
}
