// The chat: the list on the left, one conversation on the right; on a phone one of the two.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { active, connection, isCaughtUp, open, toast, unreadTotal } from "../model/chat";
import { List } from "./list";
import { openRoom, query } from "./nav";
import { Pane } from "./pane";
import { Empty } from "./parts";
import "../style/chat.css";

function NetBanner() {
  const status = connection.status.value;
  const [now, setNow] = useState(Date.now());
  const [isLate, setLate] = useState(false);
  const isFine = status === "open" && isCaughtUp.value;
  useEffect(() => {
    if (isFine) return setLate(false);
    // A quick reconnect needs no words.
    const late = setTimeout(() => setLate(true), 700);
    const tick = setInterval(() => setNow(Date.now()), 500);
    return () => {
      clearTimeout(late);
      clearInterval(tick);
    };
  }, [isFine]);
  const seconds = Math.max(1, Math.ceil((connection.retryAt.value - now) / 1000));
  let text = "";
  if (!navigator.onLine && !isFine) text = t("net.offline");
  else if (status === "waiting") text = t("net.waiting", { n: seconds });
  else if (status === "open") text = t("net.catching");
  else text = t("net.connecting");
  const isShown = isLate && !isFine;
  return (
    <div class={`net ${isShown ? "is-shown" : ""}`} role="status">
      {isShown && (
        <>
          {/* The countdown is for the eyes; a reader hears it once. */}
          <span>{text}</span>
          {status === "waiting" && navigator.onLine && (
            <button type="button" class="link" onClick={() => connection.hurry()}>
              {t("net.now")}
            </button>
          )}
        </>
      )}
      {isFine && <span class="sr">{t("net.online")}</span>}
    </div>
  );
}

function Toast() {
  const [shown, show] = useState(toast.value);
  useSignalEffect(() => show(toast.value));
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => show(null), 4500);
    return () => clearTimeout(timer);
  }, [shown?.id]);
  return (
    <div class="toasts" role="alert">
      {shown && <p class="toast">{shown.text}</p>}
    </div>
  );
}

export function Chat() {
  const wanted = /^\d{1,10}$/.test(query.value.room ?? "") ? Number(query.value.room) : null;
  const searchBox = useRef<HTMLInputElement>(null);

  useEffect(() => open(wanted), [wanted]);
  useEffect(() => () => open(null), []);
  useSignalEffect(() => {
    const count = unreadTotal.value;
    document.title = count > 0 ? `(${count > 99 ? "99+" : count}) Chinwag` : "Chinwag";
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        if (matchMedia("(max-width: 760px)").matches) openRoom(null);
        // The list may have been hidden until now.
        requestAnimationFrame(() => searchBox.current?.focus());
      }
    };
    const onOpen = (event: Event) => openRoom((event as CustomEvent<number>).detail);
    addEventListener("keydown", onKey);
    addEventListener("chinwag:open", onOpen);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("chinwag:open", onOpen);
    };
  });

  useEffect(() => {
    const timer = setTimeout(() => void import("./extras").catch(() => {}), 1500);
    return () => clearTimeout(timer);
  }, []);

  const id = active.value;
  return (
    <div class={`chat ${wanted === null ? "" : "has-room"}`}>
      <List searchBox={searchBox} />
      <div class="stage">
        <NetBanner />
        {id === null ? (
          <main class="pane is-empty">
            <Empty icon="compass" title={t("room.pick")} hint={t("room.pickHint")} />
          </main>
        ) : (
          <Pane id={id} key={id} />
        )}
      </div>
      <Toast />
    </div>
  );
}
