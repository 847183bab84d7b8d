// Links with which users join a room themselves: its owner and admins create, list and revoke them.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { fullTime } from "../i18n/format";
import { daysText } from "../i18n/units";
import { personName } from "../model/labels";
import { LINK_DAYS, LINK_USES, linkAddress } from "../model/room_links";
import type { Room } from "../model/rooms";
import { showToast } from "../model/toast";
import { linkApi } from "../net/room_links";
import type { NewRoomLink, RoomLink } from "../net/types";
import { copyText } from "./clipboard";
import { Icon, Skeleton } from "./common";
import { Confirm, Dialog } from "./dialog";

export function RoomLinks({ room, onClose }: { room: Room; onClose: () => void }) {
  const [links, setLinks] = useState<RoomLink[] | null>(null);
  const [made, setMade] = useState<NewRoomLink | null>(null);
  const [isFailed, setFailed] = useState(false);
  const load = async () => {
    try {
      setLinks(await linkApi.list(room.id));
      setFailed(false);
    } catch {
      setFailed(true);
    }
  };
  useEffect(() => void load(), [room.id]);
  return (
    <Dialog title={t("links.title")} onClose={onClose} class="links" first="select">
      <p class="muted">{t("links.hint")}</p>
      <NewLink
        room={room}
        made={made}
        onMade={(link) => {
          setMade(link);
          void load();
        }}
      />
      <h3>{t("links.list")}</h3>
      {!links && !isFailed && <Skeleton rows={2} kind="list" />}
      {isFailed && (
        <p class="note is-bad" role="alert">
          {t("links.error")}
        </p>
      )}
      {links && (
        <LinkList
          room={room}
          links={links}
          onRevoked={(id) => {
            if (made?.id === id) setMade(null);
            return load();
          }}
        />
      )}
    </Dialog>
  );
}

interface NewLinkProps {
  room: Room;
  /** The link that was just made, the only one with an address. */
  made: NewRoomLink | null;
  onMade: (link: NewRoomLink) => void;
}

function NewLink({ room, made, onMade }: NewLinkProps) {
  const [days, setDays] = useState(7);
  const [uses, setUses] = useState(0);
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const copy = useRef<HTMLButtonElement>(null);
  const ids = useId();
  const make = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      onMade(await linkApi.make(room.id, days, uses || undefined));
    } catch (refusal) {
      setError(errorText(refusal));
    }
    setBusy(false);
  };
  // What comes next.
  useEffect(() => copy.current?.focus(), [made]);
  const address = made ? linkAddress(made.token) : "";
  return (
    <form onSubmit={make}>
      <div class="links-terms">
        <Choice
          label={t("links.expiry")}
          options={LINK_DAYS}
          value={days}
          onChange={setDays}
          text={daysText}
        />
        <Choice label={t("links.uses")} options={LINK_USES} value={uses} onChange={setUses} text={usesText} />
      </div>
      {error && (
        <p class="note is-bad" role="alert">
          {error}
        </p>
      )}
      {address && (
        <div class="field" role="status">
          <label for={`${ids}-link`}>{t("links.made")}</label>
          <div class="links-made">
            <input
              id={`${ids}-link`}
              class="input"
              readOnly
              value={address}
              aria-describedby={`${ids}-hint`}
              onFocus={(event) => event.currentTarget.select()}
            />
            <button ref={copy} type="button" class="button is-main" onClick={() => void copyText(address)}>
              {t("links.copy")}
            </button>
          </div>
          <p class="muted field-hint" id={`${ids}-hint`}>
            {t("links.madeHint")}
          </p>
        </div>
      )}
      <button type="submit" class={`button ${address ? "" : "is-main"}`} disabled={isBusy}>
        <Icon name="link" size={18} /> {t("links.make")}
      </button>
    </form>
  );
}

interface ChoiceProps {
  label: string;
  options: number[];
  value: number;
  onChange: (value: number) => void;
  text: (value: number) => string;
}

function Choice({ label, options, value, onChange, text }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-box">
        <select
          id={id}
          value={String(value)}
          onChange={(event) => onChange(Number(event.currentTarget.value))}
        >
          {options.map((option) => (
            <option value={String(option)} key={option}>
              {text(option)}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

function usesText(uses: number): string {
  if (uses === 0) return t("links.anyUses");
  return uses === 1 ? t("links.once") : t("links.times", { n: uses });
}

interface LinkListProps {
  room: Room;
  links: RoomLink[];
  onRevoked: (id: string) => Promise<void>;
}

function LinkList({ room, links, onRevoked }: LinkListProps) {
  const [toRevoke, setToRevoke] = useState<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const revoke = async (id: string) => {
    try {
      await linkApi.revoke(room.id, id);
    } catch (error) {
      showToast(errorText(error));
    }
    await onRevoked(id);
    // The button that had the focus is gone.
    list.current?.focus();
  };
  return (
    <>
      {links.length === 0 && <p class="muted">{t("links.none")}</p>}
      <ul class="links-list" ref={list} tabIndex={-1} aria-label={t("links.list")}>
        {links.map(({ id, expires_at, created_by, uses, used }) => {
          const time = fullTime(Date.parse(expires_at));
          const name = personName(created_by.username);
          return (
            <li class="links-item" key={id}>
              <span class="links-text">
                {t("links.until", { time })}
                <small>
                  <bdi>{t("links.by", { name })}</bdi> ·{" "}
                  {uses === null ? t("links.used", { used }) : t("links.usedOf", { used, uses })}
                </small>
              </span>
              <button
                type="button"
                class="button is-quiet is-danger-text"
                aria-label={t("links.revokeOf", { time, name })}
                onClick={() => setToRevoke(id)}
              >
                {t("links.revoke")}
              </button>
            </li>
          );
        })}
      </ul>
      {toRevoke !== null && (
        <Confirm
          title={t("links.revokeTitle")}
          hint={t("links.revokeHint")}
          action={t("links.revoke")}
          onClose={() => setToRevoke(null)}
          onYes={() => void revoke(toRevoke)}
        />
      )}
    </>
  );
}
