// Invites to register: created, listed, revoked.

import { useId, useState } from "preact/hooks";
import { errorText } from "../../i18n/errors";
import { briefTime, fullTime } from "../../i18n/format";
import { showToast } from "../../model/toast";
import { copyText } from "../../ui/clipboard";
import { t } from "../i18n";
import { adminApi, type Invite, type NewInvite } from "../model/api";
import { ActDialog } from "./act_dialog";
import { focusSection, List, usePagedList } from "./list";
import { Secret } from "./secret";

const MAX_USES = 1000;
const MAX_DAYS = 365;

/** The links of the invites that this page has created. The server does not store them. */
const links = new Map<string, string>();

export function Invites() {
  const list = usePagedList<Invite>(adminApi.invites, (invite) => invite.id);
  const [made, setMade] = useState<NewInvite | null>(null);
  const [revoked, setRevoked] = useState<Invite | null>(null);
  return (
    <>
      <Maker
        onMade={(invite) => {
          links.set(invite.id, invite.url);
          setMade(invite);
          void list.start();
        }}
      />
      <List
        list={list}
        label={t("section.invites")}
        empty={t("invites.none")}
        row={(invite) => <Row invite={invite} key={invite.id} onRevoke={() => setRevoked(invite)} />}
      />
      {made && (
        <Secret
          title={t("invites.made")}
          hint={t("invites.madeHint")}
          label={t("invites.link")}
          value={made.url}
          onClose={() => setMade(null)}
        />
      )}
      {revoked && (
        <ActDialog
          title={t("invites.revokeTitle")}
          hint={t("invites.revokeHint")}
          yes={t("invites.revokeYes")}
          isDanger
          onYes={async () => {
            await adminApi.revokeInvite(revoked.id);
            list.replace(revoked.id, null);
            setRevoked(null);
            showToast(t("invites.revoked"));
            focusSection();
          }}
          onClose={() => setRevoked(null)}
        />
      )}
    </>
  );
}

function Maker({ onMade }: { onMade: (invite: NewInvite) => void }) {
  const [uses, setUses] = useState("1");
  const [days, setDays] = useState("7");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    setError("");
    try {
      onMade(await adminApi.makeInvite(Number(uses), Number(days)));
    } catch (refusal) {
      setError(errorText(refusal));
    }
    setBusy(false);
  };
  return (
    <form
      class="maker"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) void make();
      }}
    >
      <Amount label={t("invites.uses")} max={MAX_USES} value={uses} onInput={setUses} />
      <Amount label={t("invites.days")} max={MAX_DAYS} value={days} onInput={setDays} />
      <button type="submit" class="button is-main" disabled={isBusy}>
        {t("invites.make")}
      </button>
      {error && (
        <p class="note is-bad" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

interface AmountProps {
  label: string;
  max: number;
  value: string;
  onInput: (value: string) => void;
}

/** A whole number from 1, which the browser checks. */
function Amount({ label, max, value, onInput }: AmountProps) {
  const id = useId();
  return (
    <div class="amount">
      <label for={id}>
        {label} <span class="muted">({t("invites.range", { max })})</span>
      </label>
      <input
        id={id}
        class="input"
        type="number"
        min={1}
        max={max}
        step={1}
        required
        inputMode="numeric"
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

function Row({ invite, onRevoke }: { invite: Invite; onRevoke: () => void }) {
  const { uses, used, created_by: maker } = invite;
  const time = briefTime(Date.parse(invite.created_at));
  const link = links.get(invite.id);
  return (
    <li class="row" data-invite={invite.id}>
      <div class="row-main">
        <p class="row-title">
          {t("invites.used", { used, uses })}
          <span class="mark">{t("invites.expires", { time: fullTime(Date.parse(invite.expires_at)) })}</span>
        </p>
        <p class="row-facts">
          <bdi>
            {maker ? t("invites.by", { name: maker.username, time }) : t("invites.byServer", { time })}
          </bdi>
        </p>
      </div>
      {link && (
        <button type="button" class="button is-small" onClick={() => void copyText(link)}>
          {t("invites.copyLink")}
        </button>
      )}
      <button
        type="button"
        class="button is-small is-danger-text"
        aria-label={t("invites.revokeName", { time })}
        onClick={onRevoke}
      >
        {t("invites.revoke")}
      </button>
    </li>
  );
}
