// The table of outgoing webhooks, those that fail first.

import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { agoText, durationText, formatText, fullTime } from "../model/format";
import { followHooks, type Hook, hooks } from "../model/hooks";
import { ScrollRegion } from "./chart_table";
import { State } from "./common";

const COLUMNS = ["nodes.state", "hooks.room", "hooks.delivered", "hooks.dropped", "hooks.error"] as const;
const LOOKS = { ok: "good", failing: "warn", dead: "bad" } as const;
/** What the server says about an address without an answer. */
const UNREACHABLE = "the address cannot be reached, or does not answer in time";

export function WebHooks({ now }: { now: number }) {
  useEffect(followHooks, []);
  const found = hooks.value;
  if (!found || found.total === 0) return null;
  return (
    <section class="group" aria-labelledby="hooks-title">
      <h2 id="hooks-title">{t("hooks.title")}</h2>
      <div class="card">
        {found.failing > 0 && (
          <p class="card-note">
            {t("hooks.summary", {
              n: formatText(found.total, "count"),
              failing: formatText(found.failing, "count"),
            })}
          </p>
        )}
        <ScrollRegion label={t("hooks.title")}>
          <table class="table hooks" data-table="hooks">
            <caption class="sr">{t("hooks.caption")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("hooks.receiver")}</th>
                {COLUMNS.map((name) => (
                  <th scope="col" key={name} class={name === "hooks.error" ? "is-words" : ""}>
                    {t(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.hooks.map((hook) => (
                <Row key={hook.id} hook={hook} now={now} />
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      </div>
    </section>
  );
}

function Row({ hook, now }: { hook: Hook; now: number }) {
  const { failing_since_ms, delivered_at_ms } = hook;
  return (
    <tr data-hook={hook.state}>
      <th scope="row" title={hook.id}>
        <bdi>{hook.host}</bdi>
      </th>
      <td title={failing_since_ms === null ? undefined : fullTime(failing_since_ms)}>
        <State kind={LOOKS[hook.state]}>
          {failing_since_ms === null
            ? t("hooks.ok")
            : t(hook.state === "dead" ? "hooks.dead" : "hooks.failing", {
                time: durationText((now - failing_since_ms) / 1_000),
              })}
        </State>
      </td>
      <td>{hook.room === null ? t("hooks.everywhere") : hook.room}</td>
      <td title={delivered_at_ms === null ? undefined : fullTime(delivered_at_ms)}>
        {delivered_at_ms === null ? "–" : agoText(now - delivered_at_ms)}
      </td>
      <td>{formatText(hook.given_up, "count")}</td>
      <td class="is-words">{hook.error === null ? "–" : errorText(hook.error)}</td>
    </tr>
  );
}

function errorText(error: string): string {
  const status = /^status (\d+)$/.exec(error)?.[1];
  if (status) return t("hooks.status", { status });
  return error === UNREACHABLE ? t("hooks.unreachable") : error;
}
