// The chat: the list on the left, one conversation on the right; on a phone one of the two.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import "../model/chat";
import { open } from "../model/history";
import { active, listState, unreadTotal } from "../model/rooms";
import { toast } from "../model/toast";
import { later } from "./later";
import { List } from "./list";
import { openRoom, query } from "./nav";
import { NetStatus } from "./net";
import { Empty } from "./parts";
import "../style/chat.css";
import "../style/list.css";

const Pane = later(() => import("./pane").then((it) => it.Pane));

/** What is not there at first sight is fetched once the list stands: on a slow line it would only hold that up. */
const EXTRAS_MS = 1500;
const TOAST_MS = 4500;

export function Chat() {
  const asked = query.value.room ?? "";
  const wanted = /^\d{1,10}$/.test(asked) ? Number(asked) : null;
  const searchBox = useRef<HTMLInputElement>(null);

  useEffect(() => open(wanted), [wanted]);
  useEffect(() => () => open(null), []);
  useSignalEffect(() => {
    const count = unreadTotal.value;
    document.title = count > 0 ? `(${count > 99 ? "99+" : count}) Chinwag` : "Chinwag";
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      // On a phone the list is not shown beside a conversation.
      if (searchBox.current?.offsetParent === null) openRoom(null);
      requestAnimationFrame(() => searchBox.current?.select());
    };
    const onOpen = (event: Event) => openRoom((event as CustomEvent<number>).detail);
    addEventListener("keydown", onKey);
    addEventListener("chinwag:open", onOpen);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("chinwag:open", onOpen);
    };
  }, []);
  const isListed = listState.value === "ready";
  useEffect(() => {
    if (!isListed) return;
    const timer = setTimeout(() => {
      void import("./pane").catch(() => {});
      void import("./extras").catch(() => {});
    }, EXTRAS_MS);
    return () => clearTimeout(timer);
  }, [isListed]);

  const id = active.value;
  return (
    <div class={`chat ${wanted === null ? "" : "has-room"}`}>
      <List searchBox={searchBox} />
      <div class="stage">
        <NetStatus />
        {id === null ? (
          <main class="pane is-empty">
            <Empty icon="chat" title={t("room.pick")} hint={t("room.pickHint")} />
          </main>
        ) : (
          <Pane id={id} key={id} />
        )}
      </div>
      <Toast />
    </div>
  );
}

function Toast() {
  const [shown, show] = useState(toast.peek());
  useSignalEffect(() => show(toast.value));
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => show(null), TOAST_MS);
    return () => clearTimeout(timer);
  }, [shown?.id]);
  return (
    <div class="toasts" role="alert">
      {shown && <p class="toast">{shown.text}</p>}
    </div>
  );
}
