// The rooms that show messages stored on this device, because the server is unreachable.

import { signal } from "@preact/signals";

export const restoredRooms = signal<ReadonlySet<number>>(new Set());
