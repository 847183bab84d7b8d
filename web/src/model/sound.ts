// The sound of a new message.

/** Several messages within this time sound once, whatever the number of tabs. */
const QUIET_MS = 2000;
const LOCK = "chinwag.sound";
/** Two notes, in Hz. */
const NOTES = [660, 880];
const NOTE_SECS = 0.14;
const LOUDNESS = 0.12;

let context: AudioContext | null = null;

/** Plays the sound, unless it was played just now. */
export async function ring(): Promise<void> {
  // Browsers block sounds of pages that were never clicked.
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  // Browsers offer locks on secure pages only.
  if (!navigator.locks) return play();
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    play();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  });
}

function play(): void {
  context ??= new AudioContext();
  void context.resume();
  for (const [at, hertz] of NOTES.entries()) {
    const start = context.currentTime + at * NOTE_SECS;
    const note = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 2 * NOTE_SECS);
    note.connect(volume).connect(context.destination);
    note.start(start);
    note.stop(start + 2 * NOTE_SECS);
  }
}
