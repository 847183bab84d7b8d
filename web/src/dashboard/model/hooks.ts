// The outgoing webhooks: the response of `GET /dashboard/hooks`, which changes rarely and is fetched less often than the metrics.

import { signal } from "@preact/signals";
import { token } from "../../model/session";
import { request } from "../../net/http";

export interface Hook {
  id: string;
  host: string;
  /** The number of its room; `null` for all. */
  room: number | null;
  state: "ok" | "failing" | "dead";
  failing_since_ms: number | null;
  delivered_at_ms: number | null;
  error: string | null;
  given_up: number;
}

/** The webhooks that fail are the first in the list, which may be shorter than `total`. */
export interface Hooks {
  total: number;
  failing: number;
  hooks: Hook[];
}

export const hooks = signal<Hooks | null>(null);

const EVERY_MS = 5_000;
const TIMEOUT_MS = 8_000;

async function load(): Promise<void> {
  if (document.hidden || token.peek() === null) return;
  try {
    const answer = await request("GET", "/dashboard/hooks", undefined, AbortSignal.timeout(TIMEOUT_MS));
    hooks.value = isHooks(answer) ? answer : null;
  } catch {
    // What is wrong with the server, the metrics say. Nodes of earlier versions have no list.
  }
}

function isHooks(answer: unknown): answer is Hooks {
  return typeof answer === "object" && answer !== null && "hooks" in answer;
}

/** Fetches the list until the function that it returns is called. */
export function followHooks(): () => void {
  void load();
  const timer = setInterval(() => void load(), EVERY_MS);
  return () => clearInterval(timer);
}
