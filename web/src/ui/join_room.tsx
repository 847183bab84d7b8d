// What a link shows of its room before the user joins.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { roomName } from "../model/labels";
import { joinByLink } from "../model/room_links";
import { Refused } from "../net/refused";
import { linkApi } from "../net/room_links";
import type { LinkedRoom } from "../net/types";
import { Avatar, Skeleton } from "./common";
import { Dialog } from "./dialog";
import { navigate } from "./router";
import { Text } from "./text";

/** Refusals that stay: to try again would not help. */
const FINAL: string[] = ["link_invalid", "link_expired", "link_used_up", "removed"];
const isFinal = (error: unknown) => error instanceof Refused && FINAL.includes(error.code);

const close = () => navigate("/chat", true);

export function JoinRoom({ token }: { token: string }) {
  const [room, setRoom] = useState<LinkedRoom | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(true);
  const join = useRef<HTMLButtonElement>(null);
  const id = useId();
  const run = async (action: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await action();
    } catch (refusal) {
      setError(refusal);
    }
    setBusy(false);
  };
  // The back button does not lead to the link again.
  const enter = async () => navigate(`/chat?room=${await joinByLink(token)}`, true);
  const open = async () => {
    const linked = await linkApi.open(token);
    if (linked.is_member) await enter();
    else setRoom(linked);
  };
  useEffect(() => void run(open), [token]);
  // What the user came for. Screen readers read the room with it, which was not there when the dialog opened.
  useEffect(() => {
    if (!isBusy) join.current?.focus();
  }, [isBusy]);
  return (
    <Dialog title={t("join.title")} onClose={close} class="is-small join">
      {!room && !error && <Skeleton rows={1} kind="list" />}
      {room && (
        <div class="join-room" id={id}>
          <Avatar name={roomName(room)} src={room.avatar} size="l" isGroup />
          <p class="join-name">
            <bdi>{roomName(room)}</bdi>
          </p>
          <p class="muted">{t("join.members", { n: room.members })}</p>
          {room.description && (
            <div class="join-description">
              <Text text={room.description} />
            </div>
          )}
        </div>
      )}
      {error !== null && (
        <p class="note is-bad" role="alert">
          {errorText(error)}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          {t(error ? "close" : "cancel")}
        </button>
        {isFinal(error) ? null : room ? (
          <button
            ref={join}
            type="button"
            class="button is-main"
            aria-describedby={id}
            disabled={isBusy}
            onClick={() => void run(enter)}
          >
            {t("join.submit")}
          </button>
        ) : (
          error !== null && (
            <button type="button" class="button is-main" disabled={isBusy} onClick={() => void run(open)}>
              {t("again")}
            </button>
          )
        )}
      </div>
    </Dialog>
  );
}
