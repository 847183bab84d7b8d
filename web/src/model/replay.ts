// The replay of missed events after a disconnection. The server ends it for each room with `resumed`, or answers
// `not_recovered`.

/** How long a replay may take before it counts as ended. */
const MAX_REPLAY_MS = 20_000;

/** Rooms whose replay has not ended. */
let unfinished = new Set<number>();
let settle: (isCurrent: boolean) => void = () => {};

/** Waits for the replay of rooms. Resolves with `false` if another replay starts before its end. */
export function awaitReplay(rooms: Iterable<number>): Promise<boolean> {
  settle(false);
  unfinished = new Set(rooms);
  return new Promise((resolve) => {
    const timer = setTimeout(endReplay, MAX_REPLAY_MS);
    settle = (isCurrent) => {
      clearTimeout(timer);
      resolve(isCurrent);
    };
    if (unfinished.size === 0) endReplay();
  });
}

/** Records that the events of a room have arrived, or will not. */
export function noteReplayed(room: number): void {
  unfinished.delete(room);
  if (unfinished.size === 0) endReplay();
}

/** Ends the replay for all rooms. */
export function endReplay(): void {
  settle(true);
}
