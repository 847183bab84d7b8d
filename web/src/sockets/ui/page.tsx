// The page: what to connect to, what to send, and what was received.

import { useEffect } from "preact/hooks";
import { PageHeader } from "../../ui/page_header";
import { setLang, t } from "../i18n";
import { channels, hasFailed, load } from "../model/trial";
import { Connection } from "./connection";
import { Log } from "./log";
import { Sending } from "./sending";

export function Page() {
  const title = t("title");
  const links = [
    { href: "/docs/sockets", text: t("tools.document") },
    { href: "/docs/", text: t("tools.http") },
  ];
  useEffect(() => {
    document.title = `${title} · Chinwag`;
  }, [title]);
  return (
    <>
      <PageHeader t={t} setLang={setLang} links={links} />
      <main class="trial">
        {hasFailed.value && (
          <div class="note is-bad" role="alert">
            <p>{t("document.failed")}</p>
            <button type="button" class="button" onClick={() => void load()}>
              {t("document.again")}
            </button>
          </div>
        )}
        {channels.value.length > 0 && (
          <>
            <div class="trial-forms">
              <Connection />
              <Sending />
            </div>
            <Log />
          </>
        )}
      </main>
    </>
  );
}
