// Tables by name instead of time: the busiest rooms, close codes, failed requests, the slowest routes.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { type Key, t } from "../i18n";
import { CLOSE_CODES } from "../model/close_codes";
import { formatText } from "../model/format";
import type { Metrics } from "../model/metrics";
import { ScrollRegion } from "./chart_table";

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
        <ScrollRegion label={t(title)}>
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
        </ScrollRegion>
      )}
    </article>
  );
}

/** A count, with a bar of its share of the largest. */
function Count({ value, max }: { value: number; max: number }) {
  return (
    <td class="count">
      <span style={{ "--part": String(max ? value / max : 0) }}>{formatText(value, "count")}</span>
    </td>
  );
}

export function Rooms({ metrics: { top_rooms, node } }: { metrics: Metrics }) {
  const max = Math.max(0, ...top_rooms.map(({ messages }) => messages));
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
          <Count value={room.messages} max={max} />
        </tr>
      ))}
    </TableCard>
  );
}

/** The name of a room, or its id, as direct rooms have no name. */
const RoomName = ({ name, id }: { name: string; id: string }) =>
  name ? (
    <bdi>{name}</bdi>
  ) : (
    <>
      {t("rooms.direct")} <span class="muted">{id}</span>
    </>
  );

/** The codes of the server, and the two that are counted for connections without one. */
const KNOWN = [...CLOSE_CODES, 1005, 1006] as const;

/** The meaning of a close code. */
export function closeCodeText(code: number): string {
  const known = KNOWN.find((known) => known === code);
  return known ? t(`close.${known}`) : code === 0 ? t("close.1006") : t("close.other");
}

export function Closes({ metrics: { closes } }: { metrics: Metrics }) {
  const max = Math.max(0, ...closes.map(({ count }) => count));
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
          <td class="is-words">{closeCodeText(code)}</td>
          <Count value={count} max={max} />
        </tr>
      ))}
    </TableCard>
  );
}

export function Errors({ metrics: { errors } }: { metrics: Metrics }) {
  const max = Math.max(0, ...errors.map(({ count }) => count));
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
          <Count value={count} max={max} />
        </tr>
      ))}
    </TableCard>
  );
}

export function SlowRoutes({ metrics: { slow_routes } }: { metrics: Metrics }) {
  if (!slow_routes) return null;
  return (
    <TableCard
      id="slow"
      title="slow.title"
      heads={["errors.route", "line.requests", "line.p50", "line.p99"]}
      empty="slow.none"
      isEmpty={slow_routes.length === 0}
    >
      {slow_routes.map(({ route, count, p50, p99 }) => (
        <tr key={route}>
          <th scope="row" class="is-route">
            {route}
          </th>
          <td>{formatText(count, "count")}</td>
          <td>{formatText(p50, "ms")}</td>
          <td>{formatText(p99, "ms")}</td>
        </tr>
      ))}
    </TableCard>
  );
}
