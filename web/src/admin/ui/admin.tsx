// The page: the sections for administrators, and what others are shown in their place.

import { useEffect } from "preact/hooks";
import { token } from "../../model/session";
import { t } from "../i18n";
import { access, checkAccess } from "../model/access";
import { type Section, view } from "../model/view";
import { Audit } from "./audit";
import { Header } from "./header";
import { Invites } from "./invites";
import { Failed, Forbidden, Loading, SignedOut } from "./placeholders";
import { Rooms } from "./rooms";
import { Toast } from "./toast";
import { TraceSection } from "./trace";
import { Uploads } from "./uploads";
import { Users } from "./users";

const CONTENT: Record<Section, () => preact.JSX.Element> = {
  users: Users,
  invites: Invites,
  rooms: Rooms,
  uploads: Uploads,
  trace: TraceSection,
  audit: Audit,
};

export function Admin() {
  const current = token.value;
  useEffect(() => void checkAccess(), [current]);
  const { section } = view.value;
  const isGranted = access.value === "granted";
  // Not in the effect: the title follows the language.
  const title = `${isGranted ? `${t(`section.${section}`)} · ` : ""}${t("title")} · Chinwag`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  switch (access.value) {
    case "out":
      return <SignedOut />;
    case "unknown":
      return <Loading />;
    case "failed":
      return <Failed />;
    case "forbidden":
      return <Forbidden />;
    case "granted":
      return <Granted section={section} />;
  }
}

function Granted({ section }: { section: Section }) {
  const Content = CONTENT[section];
  return (
    <>
      <a class="skip button is-main" href="#list">
        {t("skip")}
      </a>
      <Header />
      <main id="list" tabIndex={-1}>
        <h2 id="section" tabIndex={-1}>
          {t(`section.${section}`)}
        </h2>
        <Content key={section} />
      </main>
      <Toast />
    </>
  );
}
