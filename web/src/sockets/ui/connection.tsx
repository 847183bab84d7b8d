// Where to connect, and with whose token.

import { useSignal } from "@preact/signals";
import { t } from "../i18n";
import {
  address,
  channel,
  channels,
  choose,
  chosen,
  connect,
  disconnect,
  logIn,
  state,
  token,
} from "../model/trial";

export function Connection() {
  const isClosed = state.value === "closed";
  return (
    <section class="trial-card" aria-labelledby="connection">
      <div class="trial-head">
        <h2 id="connection">{t("connect.title")}</h2>
        <p class={`trial-state is-${state.value}`} role="status">
          {t(`state.${state.value}`)}
        </p>
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          // The field with the focus is disabled next.
          event.submitter?.focus();
          if (isClosed) connect();
          else disconnect();
        }}
      >
        <div class="field">
          <label for="channel">{t("connect.channel")}</label>
          <div class="field-box">
            <select
              id="channel"
              value={chosen.value}
              aria-describedby="channel-hint"
              disabled={!isClosed}
              onChange={(event) => choose(event.currentTarget.value)}
            >
              {channels.value.map(({ name, title }) => (
                <option value={name} key={name}>
                  {title}
                </option>
              ))}
            </select>
          </div>
          <p class="field-hint muted" id="channel-hint" lang="en">
            {channel.value?.description}
          </p>
        </div>
        <div class="field">
          <label for="address">{t("connect.address")}</label>
          <div class="field-box">
            <input
              id="address"
              class="code"
              value={address.value}
              spellcheck={false}
              autocomplete="off"
              aria-describedby="address-hint"
              disabled={!isClosed}
              onInput={(event) => {
                address.value = event.currentTarget.value;
              }}
            />
          </div>
          <p class="field-hint muted" id="address-hint">
            {t("connect.addressHint")}
          </p>
        </div>
        <div class="field">
          <label for="token">{t("connect.token")}</label>
          <div class="field-box">
            <input
              id="token"
              class="code"
              type="password"
              value={token.value}
              autocomplete="off"
              aria-describedby="token-hint"
              disabled={!isClosed}
              onInput={(event) => {
                token.value = event.currentTarget.value;
              }}
            />
          </div>
          <p class="field-hint muted" id="token-hint">
            {t("connect.tokenHint")}
          </p>
        </div>
        <button type="submit" class={`button is-wide ${isClosed ? "is-main" : ""}`}>
          {t(isClosed ? "connect.open" : "connect.close")}
        </button>
      </form>
      <LogIn />
    </section>
  );
}

function LogIn() {
  const name = useSignal("");
  const password = useSignal("");
  /** The status of a refusal; 0 when the server was not reached. */
  const refusal = useSignal<number | null>(null);
  const isDone = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    isDone.value = false;
    refusal.value = await logIn(name.value, password.value);
    isDone.value = refusal.value === null;
    if (isDone.value) password.value = "";
  };
  return (
    <details class="trial-login">
      <summary>{t("login.title")}</summary>
      <form onSubmit={(event) => void submit(event)}>
        <div class="field">
          <label for="name">{t("login.name")}</label>
          <div class="field-box">
            <input
              id="name"
              value={name.value}
              autocomplete="username"
              required
              onInput={(event) => {
                name.value = event.currentTarget.value;
              }}
            />
          </div>
        </div>
        <div class="field">
          <label for="password">{t("login.password")}</label>
          <div class="field-box">
            <input
              id="password"
              type="password"
              value={password.value}
              autocomplete="current-password"
              required
              onInput={(event) => {
                password.value = event.currentTarget.value;
              }}
            />
          </div>
        </div>
        <button type="submit" class="button is-wide">
          {t("login.submit")}
        </button>
        <p class="field-error" role="alert">
          {refusal.value !== null && refusalText(refusal.value)}
        </p>
        <p class="field-hint" role="status">
          {isDone.value && t("login.done")}
        </p>
      </form>
    </details>
  );
}

function refusalText(status: number): string {
  if (status === 0) return t("login.failed");
  return status === 401 ? t("login.wrong") : t("login.refused", { status });
}
