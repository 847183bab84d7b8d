// What is told by name rather than by time: the busiest rooms, why connections closed, where requests failed.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { type Key, t } from "../i18n";
import { text } from "../model/format";
import type { Metrics } from "../model/metrics";
import { Scroll } from "./chart_table";

interface TableProps {
  id: string;
  title: Key;
  tag?: boolean;
  heads: Key[];
  empty: Key;
  isEmpty: boolean;
  children: ComponentChildren;
}

function TableCard({ id, title, tag, heads, empty, isEmpty, children }: TableProps) {
  const name = useId();
  return (
    <article class="card list" aria-labelledby={name}>
      <header class="card-head">
        <h3 id={name}>
          {t(title)}
          {tag && <span class="tag">{t("tag.global")}</span>}
        </h3>
      </header>
      {isEmpty ? (
        <p class="card-empty">{t(empty)}</p>
      ) : (
        <Scroll label={t(title)}>
          <table class="table" data-table={id}>
            <caption class="sr">{t(title)}</caption>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th scope="col" key={head} class={head === "closes.meaning" ? "is-words" : ""}>
                    {t(head)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </Scroll>
      )}
    </article>
  );
}

/** A count, with a bar of its share of the largest. */
function Count({ value, most }: { value: number; most: number }) {
  return (
    <td class="count">
      <span style={{ "--part": String(most ? value / most : 0) }}>{text(value, "count")}</span>
    </td>
  );
}

export function Rooms({ metrics: { top_rooms, node } }: { metrics: Metrics }) {
  const most = Math.max(0, ...top_rooms.map((it) => it.messages));
  return (
    <TableCard
      id="rooms"
      title="rooms.title"
      tag={node !== null}
      heads={["rooms.name", "line.messages"]}
      empty="rooms.none"
      isEmpty={top_rooms.length === 0}
    >
      {top_rooms.map((room) => (
        <tr key={room.id}>
          <th scope="row" class="is-name" title={room.id}>
            <RoomName name={room.name} id={room.id} />
          </th>
          <Count value={room.messages} most={most} />
        </tr>
      ))}
    </TableCard>
  );
}

/** Private chats have no name. */
const RoomName = ({ name, id }: { name: string; id: string }) =>
  name ? (
    <bdi>{name}</bdi>
  ) : (
    <>
      {t("rooms.direct")} <span class="muted">{id}</span>
    </>
  );

const KNOWN = [1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013] as const;

/** What a close code says, in words. */
export function codeText(code: number): string {
  const known = KNOWN.find((it) => it === code);
  return known ? t(`close.${known}`) : code === 0 ? t("close.1006") : t("close.other");
}

export function Closes({ metrics: { closes } }: { metrics: Metrics }) {
  const most = Math.max(0, ...closes.map((it) => it.count));
  return (
    <TableCard
      id="closes"
      title="closes.title"
      heads={["closes.code", "closes.meaning", "count"]}
      empty="closes.none"
      isEmpty={closes.length === 0}
    >
      {closes.map(({ code, count }) => (
        <tr key={code}>
          <th scope="row">{code === 0 ? "–" : code}</th>
          <td class="is-words">{codeText(code)}</td>
          <Count value={count} most={most} />
        </tr>
      ))}
    </TableCard>
  );
}

export function Errors({ metrics: { errors } }: { metrics: Metrics }) {
  const most = Math.max(0, ...errors.map((it) => it.count));
  return (
    <TableCard
      id="errors"
      title="errors.title"
      heads={["errors.route", "errors.status", "count"]}
      empty="errors.none"
      isEmpty={errors.length === 0}
    >
      {errors.map(({ route, status, count }) => (
        <tr key={`${route} ${status}`}>
          <th scope="row" class="is-route">
            {route}
          </th>
          <td class={status >= 500 ? "is-bad" : ""}>{status}</td>
          <Count value={count} most={most} />
        </tr>
      ))}
    </TableCard>
  );
}
