// What makes the chat an app on this device: the service worker, and what is stored for reading without a connection.

import { effect } from "@preact/signals";
import { isWatched, returns } from "../model/attention";
import { keep } from "../model/keeper";
import { activeRoomId } from "../model/rooms";
import { token } from "../model/session";
import { closeNotifications } from "../model/shown_notification";
import type { OpenRoom, TakeOver } from "../worker/messages";
import { showRoom } from "./router";

let isSettled = false;

export async function settle(): Promise<void> {
  if (isSettled) return;
  isSettled = true;
  keep();
  effect(closeRead);
  if (import.meta.env.PROD && navigator.serviceWorker) await register(navigator.serviceWorker);
}

async function register(workers: ServiceWorkerContainer): Promise<void> {
  workers.addEventListener("message", ({ data }: MessageEvent<OpenRoom>) => {
    if (data.type === "open room") showRoom(data.room);
  });
  const registration = await workers.register("/worker.js", { updateViaCache: "none" });
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const found = registration.installing;
    found?.addEventListener("statechange", () => offer(registration.waiting));
  });
}

/** Lets a new worker take over, which it does once no page of another build is open. */
function offer(waiting: ServiceWorker | null): void {
  const script = document.querySelector<HTMLScriptElement>("script[type=module]");
  if (!waiting || !script) return;
  waiting.postMessage({ type: "take over", script: new URL(script.src).pathname } satisfies TakeOver);
}

/** Closes the notifications of a room that is in view, and all of a session that has ended. */
function closeRead(): void {
  const room = activeRoomId.value;
  const isLookedAt = returns.value >= 0 && isWatched();
  if (!token.value) void closeNotifications().catch(() => {});
  else if (room !== null && isLookedAt) void closeNotifications(room).catch(() => {});
}
