// Where a message is: which nodes pushed it to how many sockets, who has received and read it.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ScrollRegion } from "../../dashboard/ui/scroll_region";
import { errorText } from "../../i18n/errors";
import { fullTime } from "../../i18n/format";
import { ApiError } from "../../net/http";
import { type Key, t } from "../i18n";
import { adminApi } from "../model/api";
import { messageIdOf, type NodeTrace, type Recipient, type Trace } from "../model/trace";
import { filterView, view } from "../model/view";
import { Name } from "./list";

type Answer = { trace: Trace } | { error: unknown } | "loading" | null;

export function TraceSection() {
  const { q } = view.value;
  const [answer, setAnswer] = useState<Answer>(null);
  const [turn, setTurn] = useState(0);
  const id = messageIdOf(q);
  useEffect(() => {
    if (id === null) return setAnswer(null);
    let isCurrent = true;
    setAnswer("loading");
    adminApi.trace(id).then(
      (trace) => isCurrent && setAnswer({ trace }),
      (error: unknown) => isCurrent && setAnswer({ error }),
    );
    return () => {
      isCurrent = false;
    };
  }, [id, turn]);
  const ask = (text: string) => {
    filterView({ q: text });
    setTurn(turn + 1);
  };
  /** Tells screen readers that the answer is there. */
  const found = answer && answer !== "loading" && "trace" in answer ? traceTitle(answer.trace) : "";
  return (
    <>
      <p class="section-hint muted">{t("trace.hint")}</p>
      <Question ask={ask} />
      <section class="rows-box" aria-label={t("section.trace")} aria-busy={answer === "loading"}>
        <p class={answer === "loading" ? "rows-note" : "sr"} role="status">
          {answer === "loading" ? t("trace.asking") : found}
        </p>
        {answer !== null && answer !== "loading" && <Shown answer={answer} />}
      </section>
    </>
  );
}

const traceTitle = ({ id }: Trace) => `${t("trace.message")} ${id}`;

/** The form, which shows an error for a text that is not the id of a message. */
function Question({ ask }: { ask: (text: string) => void }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isWrong, setWrong] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? "";
    setWrong(messageIdOf(text) === null);
    if (messageIdOf(text) !== null) ask(text);
    else input.current?.focus();
  };
  return (
    <form class="maker" onSubmit={submit}>
      <div class="field trace-field">
        <label for={id}>{t("trace.label")}</label>
        <input
          id={id}
          ref={input}
          class="input"
          maxLength={400}
          autocomplete="off"
          spellcheck={false}
          defaultValue={view.peek().q}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `${id}-error` : undefined}
          onInput={() => setWrong(false)}
        />
      </div>
      <button type="submit" class="button is-main">
        {t("trace.ask")}
      </button>
      {isWrong && (
        <p class="field-error trace-error" id={`${id}-error`} role="alert">
          {t("trace.wrong")}
        </p>
      )}
    </form>
  );
}

function Shown({ answer }: { answer: { trace: Trace } | { error: unknown } }) {
  if ("error" in answer) {
    const isUnknown = answer.error instanceof ApiError && answer.error.status === 404;
    return (
      <div class="note is-bad" role="alert">
        {isUnknown ? t("trace.unknown") : errorText(answer.error)}
      </div>
    );
  }
  const { trace } = answer;
  return (
    <div data-trace={trace.id}>
      <Facts trace={trace} />
      <Nodes trace={trace} />
      <Recipients trace={trace} />
    </div>
  );
}

function Facts({ trace }: { trace: Trace }) {
  const { room, sender } = trace;
  const state = [
    t(trace.announced ? "trace.announced" : "trace.unannounced"),
    trace.status === null ? t("trace.noReceipts") : t(`trace.all.${trace.status}`),
    trace.deleted ? t("trace.deleted") : "",
  ];
  return (
    <dl class="facts trace-facts">
      <Fact name={t("trace.message")}>
        {trace.id} <code>{trace.message_id}</code>
      </Fact>
      <Fact name={t("trace.stored")}>
        <time dateTime={trace.stored_at}>{fullTime(Date.parse(trace.stored_at))}</time>
      </Fact>
      <Fact name={t("trace.room")}>
        {room.name ? <Name>{room.name}</Name> : t("trace.direct")} #{room.id}
      </Fact>
      <Fact name={t("trace.sender")}>
        <Name>{sender.username}</Name> #{sender.id}
      </Fact>
      <Fact name={t("trace.state")}>{state.filter(Boolean).join(" · ")}</Fact>
    </dl>
  );
}

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

interface TableProps {
  id: string;
  title: Key;
  heads: Key[];
  children: ComponentChildren;
}

function Table({ id, title, heads, children }: TableProps) {
  return (
    <section class="card trace-table" aria-label={t(title)}>
      <h3>{t(title)}</h3>
      <ScrollRegion label={t("trace.table", { title: t(title) })}>
        <table class="table" data-table={id}>
          <caption class="sr">{t(title)}</caption>
          <thead>
            <tr>
              {heads.map((head) => (
                <th scope="col" key={head} class={head === "trace.sockets" ? "is-number" : ""}>
                  {t(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </ScrollRegion>
    </section>
  );
}

function Nodes({ trace: { nodes, silent } }: { trace: Trace }) {
  return (
    <Table
      id="nodes"
      title="trace.nodes"
      heads={["trace.node", "trace.arrived", "trace.pushed", "trace.sockets"]}
    >
      {nodes.map((node) => (
        <tr key={node.id}>
          <th scope="row">{node.id}</th>
          <td>{t(node.arrived ? "trace.yes" : node.follows ? "trace.no" : "trace.notFollowed")}</td>
          <td>{pushText(node)}</td>
          <td class="is-number">{node.sockets}</td>
        </tr>
      ))}
      {silent.map((id) => (
        <tr key={id}>
          <th scope="row">{id}</th>
          <td colSpan={3} class="is-bad">
            {t("trace.silent")}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function pushText({ pushed }: NodeTrace): string {
  if (!pushed) return t("trace.notPushed");
  const { sockets, behind, delay_ms } = pushed;
  const text = t("trace.push", { n: sockets, ms: delay_ms });
  return behind === 0 ? text : `${text}, ${t("trace.behind", { n: behind })}`;
}

function Recipients({ trace: { recipients, status } }: { trace: Trace }) {
  if (recipients.length === 0) {
    return status === null ? null : <p class="rows-note">{t("trace.nobody")}</p>;
  }
  return (
    <Table id="recipients" title="trace.recipients" heads={["trace.user", "trace.with", "trace.readAt"]}>
      {recipients.map((user) => (
        <RecipientRow user={user} key={user.id} />
      ))}
    </Table>
  );
}

const RecipientRow = ({ user }: { user: Recipient }) => (
  <tr>
    <th scope="row">
      <Name>{user.username || t("trace.noName")}</Name> <span class="muted">#{user.id}</span>
      {!user.member && <span class="mark">{t("trace.former")}</span>}
    </th>
    <td>{t(`trace.one.${user.status}`)}</td>
    <td>{user.read_at ? fullTime(Date.parse(user.read_at)) : "–"}</td>
  </tr>
);
