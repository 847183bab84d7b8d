// The dialog about the user's account: profile, password, logins, blocks, deletion.

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { fullTime } from "../i18n/format";
import { blocked, loadBlocks } from "../model/blocks";
import { deviceName } from "../model/device";
import { changePassword, deleteAccount, logOutEverywhere } from "../model/session";
import { showToast } from "../model/toast";
import { checkNewPassword } from "../model/validation";
import { api } from "../net/http";
import { Refused } from "../net/refused";
import type { Session } from "../net/types";
import { changeBlock } from "./change_block";
import { Icon, IconButton, Skeleton, UserAvatar } from "./common";
import { Confirm, Dialog } from "./dialog";
import { Field, focusError } from "./field";
import { Profile } from "./profile";
import { navigate } from "./router";

export function Account({ onClose }: { onClose: () => void }) {
  const [asked, ask] = useState<"everywhere" | "delete" | null>(null);
  const logOut = async () => {
    try {
      await logOutEverywhere();
      navigate("/login");
    } catch (error) {
      showToast(errorText(error));
    }
  };
  return (
    <Dialog title={t("account.title")} onClose={onClose} class="account">
      <Profile />
      <Password />
      <Sessions onEverywhere={() => ask("everywhere")} />
      <Blocked />
      <section class="account-part">
        <button type="button" class="button is-danger-text" onClick={() => ask("delete")}>
          <Icon name="trash" size={18} /> {t("account.delete")}
        </button>
      </section>
      {asked === "everywhere" && (
        <Confirm
          title={t("account.everywhereTitle")}
          hint={t("account.everywhereHint")}
          action={t("account.everywhere")}
          onYes={() => void logOut()}
          onClose={() => ask(null)}
        />
      )}
      {asked === "delete" && <Deletion onClose={() => ask(null)} />}
    </Dialog>
  );
}

function Password() {
  const [old, setOld] = useState("");
  const [password, setPassword] = useState("");
  const [errors, setErrors] = useState<{ old?: string; new?: string }>({});
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    const form = event.currentTarget as HTMLFormElement;
    const found = { old: old ? undefined : t("check.password"), new: checkNewPassword(password) };
    setErrors(found);
    if (found.old || found.new) return focusError(form);
    setBusy(true);
    try {
      await changePassword(old, password);
      showToast(t("account.passwordDone"));
    } catch (error) {
      const isOld = error instanceof Refused && error.code === "wrong_password";
      setErrors(isOld ? { old: errorText(error) } : { new: errorText(error) });
      setBusy(false);
      focusError(form);
    }
  };
  return (
    <form class="account-part" onSubmit={submit} noValidate>
      <h3>{t("account.password")}</h3>
      <Field
        name="old"
        label={t("field.oldPassword")}
        value={old}
        error={errors.old}
        onInput={setOld}
        isSecret
        autocomplete="current-password"
      />
      <Field
        name="new"
        label={t("field.newPassword")}
        value={password}
        error={errors.new}
        onInput={setPassword}
        isSecret
        autocomplete="new-password"
      />
      <p class="muted">{t("account.passwordHint")}</p>
      <button type="submit" class="button is-main" aria-disabled={isBusy}>
        {t("account.password")}
      </button>
    </form>
  );
}

function Sessions({ onEverywhere }: { onEverywhere: () => void }) {
  const [sessions, setSessions] = useState<Session[] | "failed" | null>(null);
  const load = () =>
    api.sessions().then(
      (found) => setSessions(found),
      () => setSessions("failed"),
    );
  useEffect(() => void load(), []);
  const end = async (id: string) => {
    try {
      await api.endSession(id);
      await load();
    } catch (error) {
      showToast(errorText(error));
    }
  };
  return (
    <section class="account-part">
      <h3>{t("account.sessions")}</h3>
      {sessions === null && <Skeleton rows={2} kind="list" />}
      {sessions === "failed" && <p class="note is-bad">{t("account.sessionsError")}</p>}
      {Array.isArray(sessions) && (
        <ul class="sessions">
          {sessions.map((session) => (
            <SessionItem key={session.id} session={session} onEnd={() => void end(session.id)} />
          ))}
        </ul>
      )}
      <button type="button" class="button" onClick={onEverywhere}>
        <Icon name="exit" size={18} /> {t("account.everywhere")}
      </button>
    </section>
  );
}

function SessionItem({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const time = fullTime(Date.parse(session.created_at));
  const state = session.current ? "account.current" : session.active ? "account.active" : "account.ended";
  return (
    <li class={`session ${session.active ? "" : "is-ended"}`}>
      <span class="session-text">
        <span title={session.user_agent}>
          {deviceName(session.user_agent) || t("account.unknownDevice")}
          <span class={`tag ${session.current ? "is-current" : ""}`}>{t(state)}</span>
        </span>
        <small>
          {time} · <bdi>{session.ip}</bdi>
        </small>
      </span>
      {session.active && !session.current && (
        <IconButton icon="exit" size={17} label={t("account.end", { time })} onClick={onEnd} />
      )}
    </li>
  );
}

/** The users whom the user blocks, each with a way to end that. */
function Blocked() {
  const [isFailed, setFailed] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void loadBlocks().catch(() => setFailed(true)), []);
  const unblock = async (id: number, name: string) => {
    await changeBlock(id, name, false);
    // The button that had the focus is gone.
    (list.current?.querySelector("button") ?? list.current)?.focus();
  };
  const users = [...(blocked.value ?? [])];
  return (
    <section class="account-part">
      <h3>{t("account.blocked")}</h3>
      {!blocked.value && !isFailed && <Skeleton rows={1} kind="list" />}
      {isFailed && <p class="note is-bad">{t("account.blockedError")}</p>}
      {blocked.value && users.length === 0 && <p class="muted">{t("account.blockedNone")}</p>}
      <ul class="sessions" ref={list} tabIndex={-1} aria-label={t("account.blocked")}>
        {users.map(([id, name]) => (
          <li class="session" key={id}>
            <UserAvatar id={id} name={name} size="s" />
            <bdi class="session-text">{name}</bdi>
            <button
              type="button"
              class="button is-quiet"
              aria-label={t("block.undo", { name })}
              onClick={() => void unblock(id, name)}
            >
              {t("card.unblock")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Deletion({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    const form = event.currentTarget as HTMLFormElement;
    if (!password) {
      setError(t("check.password"));
      return focusError(form);
    }
    setBusy(true);
    try {
      await deleteAccount(password);
      navigate("/login");
    } catch (refusal) {
      setError(errorText(refusal));
      setBusy(false);
      focusError(form);
    }
  };
  return (
    <Dialog title={t("account.deleteTitle")} onClose={onClose} class="is-small">
      <form onSubmit={submit} noValidate>
        <p class="muted">{t("account.deleteHint")}</p>
        <Field
          name="password"
          label={t("field.password")}
          value={password}
          error={error}
          onInput={setPassword}
          isSecret
          autocomplete="current-password"
        />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class="button is-danger" aria-disabled={isBusy}>
            {t("account.deleteConfirm")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
