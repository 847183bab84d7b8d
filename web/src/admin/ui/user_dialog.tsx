// What an administrator may do with a user.

import { useState } from "preact/hooks";
import { fullTime } from "../../i18n/format";
import { me } from "../../model/session";
import { showToast } from "../../model/toast";
import { Dialog } from "../../ui/dialog";
import { t } from "../i18n";
import { type AdminUser, adminApi } from "../model/api";
import { ActDialog, TextField } from "./act_dialog";
import { Secret } from "./secret";

const REASON_MAX = 200;

type Act = "promote" | "demote" | "ban" | "unban" | "sessions" | "password" | "delete";

interface UserDialogProps {
  user: AdminUser;
  /** Called after a change; `null` when the user was deleted. */
  onChange: (change: Partial<AdminUser> | null) => void;
  onClose: () => void;
}

/** The actions that fit the state of a user, harmless ones first. */
export function actsFor(user: AdminUser): Act[] {
  return [
    user.is_admin ? "demote" : "promote",
    "sessions",
    "password",
    user.is_banned ? "unban" : "ban",
    "delete",
  ];
}

const isDanger = (act: Act) => act === "ban" || act === "delete";

export function UserDialog({ user, onChange, onClose }: UserDialogProps) {
  const [act, setAct] = useState<Act | null>(null);
  const [password, setPassword] = useState<string | null>(null);
  /** The act that was done last. */
  const [done, setDone] = useState("");
  const name = user.username;
  if (password !== null) {
    return (
      <Secret
        title={t("password.shownTitle", { name })}
        hint={t("password.shownHint", { name })}
        label={t("password.label")}
        value={password}
        onClose={onClose}
      />
    );
  }
  if (act === null) return <Card user={user} done={done} onAct={setAct} onClose={onClose} />;
  /** Shows the card again, with what has changed. */
  const finish = (change: Partial<AdminUser>, text: string) => {
    onChange(change);
    setDone(text);
    setAct(null);
  };
  const props = { user, finish, onClose: () => setAct(null) };
  switch (act) {
    case "ban":
      return <Ban {...props} />;
    case "delete":
      return <Delete {...props} onDeleted={() => onChange(null)} />;
    case "password":
      return (
        <Simple {...props} act={act} run={async () => setPassword(await adminApi.oneTimePassword(user.id))} />
      );
    case "promote":
      return <Changing {...props} act={act} run={adminApi.promote} change={{ is_admin: true }} />;
    case "demote":
      return <Changing {...props} act={act} run={adminApi.demote} change={{ is_admin: false }} />;
    case "unban":
      return (
        <Changing {...props} act={act} run={adminApi.unban} change={{ is_banned: false, ban_reason: "" }} />
      );
    case "sessions":
      return <Changing {...props} act={act} run={adminApi.endSessions} change={{}} />;
  }
}

interface CardProps {
  user: AdminUser;
  /** What was just done; empty for nothing. */
  done: string;
  onAct: (act: Act) => void;
  onClose: () => void;
}

function Card({ user, done, onAct, onClose }: CardProps) {
  const isOwn = user.id === me.value?.id;
  const states = [
    user.is_admin ? t("users.admin") : t("user.ordinary"),
    ...(user.is_banned ? [t("users.banned")] : []),
  ];
  const facts: [string, string][] = [
    [t("user.number"), String(user.id)],
    [t("user.email"), user.email || t("user.noEmail")],
    [t("user.created"), fullTime(Date.parse(user.created_at))],
    [t("user.state"), states.join(" · ")],
    ...(user.is_banned && user.ban_reason ? [[t("ban.reason"), user.ban_reason] as [string, string]] : []),
  ];
  return (
    <Dialog title={user.username} onClose={onClose} first={isOwn ? ".dialog-head button" : ".acts button"}>
      {done && (
        <p class="note is-good" role="alert">
          {done}
        </p>
      )}
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      {isOwn ? (
        <p class="note">{t("user.own")}</p>
      ) : (
        <div class="acts">
          {actsFor(user).map((act) => (
            <button
              type="button"
              class={`button ${isDanger(act) ? "is-danger-text" : ""}`}
              key={act}
              onClick={() => onAct(act)}
            >
              {t(`${act}.action`)}
            </button>
          ))}
        </div>
      )}
    </Dialog>
  );
}

interface StepProps {
  user: AdminUser;
  finish: (change: Partial<AdminUser>, text: string) => void;
  onClose: () => void;
}

interface ChangingProps extends StepProps {
  act: "promote" | "demote" | "unban" | "sessions";
  run: (id: number) => Promise<unknown>;
  /** What the act changes of the user. */
  change: Partial<AdminUser>;
}

function Changing({ act, run, change, ...rest }: ChangingProps) {
  const { user, finish } = rest;
  return (
    <Simple
      {...rest}
      act={act}
      run={async () => {
        await run(user.id);
        finish(change, t(`${act}.done`, { name: user.username }));
      }}
    />
  );
}

function Simple({
  user,
  act,
  run,
  onClose,
}: StepProps & { act: Exclude<Act, "ban" | "delete">; run: () => Promise<void> }) {
  const name = user.username;
  return (
    <ActDialog
      title={t(`${act}.title`, { name })}
      hint={t(`${act}.hint`, { name })}
      yes={t(`${act}.yes`)}
      onYes={run}
      onClose={onClose}
    />
  );
}

function Ban({ user, finish, onClose }: StepProps) {
  const [reason, setReason] = useState("");
  const name = user.username;
  return (
    <ActDialog
      title={t("ban.title", { name })}
      hint={t("ban.hint", { name })}
      yes={t("ban.yes")}
      isDanger
      onYes={async () => {
        await adminApi.ban(user.id, reason);
        finish({ is_banned: true, ban_reason: reason.trim() }, t("ban.done", { name }));
      }}
      onClose={onClose}
    >
      <TextField
        label={t("ban.reason")}
        hint={t("ban.reasonHint")}
        value={reason}
        maxLength={REASON_MAX}
        onInput={setReason}
      />
    </ActDialog>
  );
}

function Delete({ user, onDeleted, onClose }: StepProps & { onDeleted: () => void }) {
  const [typed, setTyped] = useState("");
  const [isWrong, setWrong] = useState(false);
  const name = user.username;
  return (
    <ActDialog
      title={t("delete.title", { name })}
      hint={t("delete.hint")}
      yes={t("delete.yes")}
      isDanger
      check={() => {
        setWrong(typed.trim() !== name);
        return typed.trim() === name;
      }}
      onYes={async () => {
        await adminApi.deleteUser(user.id);
        showToast(t("users.deleted", { name }));
        onDeleted();
      }}
      onClose={onClose}
    >
      <TextField
        label={t("delete.confirm", { name })}
        error={isWrong ? t("delete.mismatch") : undefined}
        value={typed}
        onInput={(text) => {
          setTyped(text);
          setWrong(false);
        }}
      />
    </ActDialog>
  );
}
