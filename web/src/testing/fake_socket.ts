// Replaces a WebSocket and the server behind it.

import type { ClientPayloads, ServerPayloads } from "../net/types";

interface SentFrame {
  type: string;
  payload: Record<string, unknown>;
}

type Refusal = Omit<ServerPayloads["error"], "message" | "ref">;

/** Answers each command as the server does: with a `done` or an error that repeats its `ref`; pings with a pong. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  static latest(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  readonly url: string;
  /** Every frame as it was sent. */
  readonly sent: SentFrame[] = [];
  /** Runs before the response to each command. An error that it returns is the response. */
  answer: (frame: SentFrame) => Refusal | undefined = () => undefined;
  isSilent = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(url: string) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  /** The rooms that the handshake resumes, with their tokens. */
  get since(): Record<string, string> {
    const values = new URL(this.url).searchParams.getAll("since");
    return Object.fromEntries(values.map((value) => value.split(":")));
  }

  open(): void {
    this.onopen?.();
  }

  push(type: string, payload: object): void {
    this.onmessage?.({ data: JSON.stringify({ type, payload }) });
  }

  send(text: string): void {
    const frame = JSON.parse(text) as SentFrame;
    this.sent.push(frame);
    if (this.isSilent) return;
    if (frame.type === "ping") return this.push("pong", {});
    const refusal = this.answer(frame);
    // The answer may have closed the connection.
    if (this.isSilent) return;
    const { ref } = frame.payload;
    if (refusal) this.push("error", { message: `refused: ${refusal.code}`, ...refusal, ref });
    else this.push("done", { ref });
  }

  close(code = 1006, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  /** The payloads of a type, without their `ref`. */
  frames(type: keyof ClientPayloads): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.type === type).map(({ payload: { ref: _, ...rest } }) => rest);
  }

  /** The `ref` of the latest command of a type. */
  refOf(type: keyof ClientPayloads): string {
    return String(this.sent.findLast((frame) => frame.type === type)?.payload.ref);
  }
}
