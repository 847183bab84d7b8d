// What is shown in place of the administration: without a session, without access, without a response.

import type { ComponentChildren } from "preact";
import icon from "../../icon.svg";
import { hasExpired, logOut, me } from "../../model/session";
import { t } from "../i18n";
import { checkAccess } from "../model/access";
import { view, viewUrl } from "../model/view";
import { Icon } from "./icon";

interface PanelProps {
  icon: "shield" | "key" | "alert";
  title: string;
  children: ComponentChildren;
}

function Panel({ icon: name, title, children }: PanelProps) {
  return (
    <main class="forbidden">
      <img src={icon} width="44" height="44" alt="" />
      <section class="panel">
        <span class="panel-icon">
          <Icon name={name} size={28} />
        </span>
        <h1>{title}</h1>
        {children}
      </section>
    </main>
  );
}

const ChatLink = () => (
  <a class="button" href="/chat">
    {t("tools.chat")}
  </a>
);

/** The login leads back to the same view. */
export function SignedOut() {
  return (
    <Panel icon="key" title={t("access.signIn")}>
      <p class="muted">{t(hasExpired.value ? "access.expired" : "access.signInHint")}</p>
      <div class="panel-buttons">
        <a class="button is-main" href={`/login?next=${encodeURIComponent(viewUrl(view.value))}`}>
          {t("access.signInButton")}
        </a>
      </div>
    </Panel>
  );
}

export function Forbidden() {
  return (
    <Panel icon="shield" title={t("access.forbidden")}>
      <p class="muted">{t("access.forbiddenHint", { name: me.value?.username ?? "…" })}</p>
      <p class="muted">{t("access.forbiddenThen")}</p>
      <div class="command">
        <code>chinwag user promote NAME</code>
      </div>
      <div class="panel-buttons">
        <button type="button" class="button is-main" onClick={() => void checkAccess()}>
          {t("access.check")}
        </button>
        <ChatLink />
        <button type="button" class="button is-quiet" onClick={logOut}>
          {t("access.other")}
        </button>
      </div>
    </Panel>
  );
}

export function Failed() {
  return (
    <Panel icon="alert" title={t("access.failed")}>
      <div class="panel-buttons">
        <button type="button" class="button is-main" onClick={() => void checkAccess()}>
          {t("again")}
        </button>
        <ChatLink />
      </div>
    </Panel>
  );
}

export function Loading() {
  return (
    <main class="missing loading">
      <p role="status">{t("loading")}</p>
    </main>
  );
}
