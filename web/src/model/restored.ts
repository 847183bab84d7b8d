// The rooms that show what this device has kept, as the server is not reached.

import { signal } from "@preact/signals";

export const restoredRooms = signal<ReadonlySet<number>>(new Set());
