// The message whose audio or video plays. Its row stays drawn, so that it continues when the user scrolls away.

import { signal } from "@preact/signals";

export const playing = signal<number | null>(null);
