// The audit log: what administrators and applications did.

import { useId } from "preact/hooks";
import { fullTime } from "../../i18n/format";
import { type Key, t } from "../i18n";
import { type AuditEntry, adminApi } from "../model/api";
import { filterView, KINDS, view } from "../model/view";
import { List, Search, usePagedList } from "./list";

/** Administrators and applications have a log each, so two entries may have the same id. */
const keyOf = ({ id, act, actor }: AuditEntry) => `${id} ${act} ${actor?.id}`;

export function Audit() {
  const { q, kind } = view.value;
  const list = usePagedList(
    (cursor) => adminApi.audit(view.peek().q, view.peek().kind, cursor),
    keyOf,
    `${kind} ${q}`,
  );
  return (
    <>
      <div class="filters">
        <Search label={t("audit.search")} />
        <Kinds />
      </div>
      <List
        list={list}
        label={t("section.audit")}
        empty={t("audit.none")}
        row={(entry) => <Row entry={entry} key={keyOf(entry)} />}
      />
    </>
  );
}

function Kinds() {
  const id = useId();
  return (
    <div class="kinds">
      <label for={id}>{t("audit.kind")}</label>
      <select
        id={id}
        class="input"
        value={view.value.kind ?? ""}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          filterView({ kind: KINDS.find((kind) => kind === chosen) ?? null });
        }}
      >
        <option value="">{t("audit.all")}</option>
        {KINDS.map((kind) => (
          <option value={kind} key={kind}>
            {t(`audit.${kind}`)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The text for an action; the server's name for actions that this version does not know. */
export function actText(act: string): string {
  return t(`act.${act}` as Key) || act;
}

function Row({ entry }: { entry: AuditEntry }) {
  const { actor, target } = entry;
  return (
    <li class="row" data-act={entry.act}>
      <div class="row-main">
        <p class="row-title is-sentence">
          {actor ? <bdi class="row-name">{actor.username}</bdi> : <span>{t("audit.commandLine")}</span>}{" "}
          <span class="act">{actText(entry.act)}</span> {target && <bdi class="row-name">{target.name}</bdi>}
        </p>
        <p class="row-facts">
          <time dateTime={entry.at}>{fullTime(Date.parse(entry.at))}</time>
          {entry.address && <span>{entry.address}</span>}
          <code>{entry.act}</code>
          {target && <span>#{target.id}</span>}
        </p>
        {entry.reason && (
          <p class="row-facts">
            <bdi>{t("audit.reason", { reason: entry.reason })}</bdi>
          </p>
        )}
      </div>
    </li>
  );
}
