// The header: the sections, and the ways to other pages.

import { useEffect, useRef } from "preact/hooks";
import { PageHeader } from "../../ui/page_header";
import { setLang, t } from "../i18n";
import { SECTIONS, type Section, showSection, view, viewUrl } from "../model/view";

export function Header() {
  const links = [{ href: "/dashboard", icon: "gauge" as const, text: t("tools.dashboard") }];
  return (
    <PageHeader t={t} setLang={setLang} class="admin-row" links={links}>
      <Sections />
    </PageHeader>
  );
}

function Sections() {
  return (
    <nav class="sections" aria-label={t("nav.label")}>
      {SECTIONS.map((section) => (
        <SectionLink section={section} key={section} />
      ))}
    </nav>
  );
}

function SectionLink({ section }: { section: Section }) {
  const isCurrent = view.value.section === section;
  const link = useRef<HTMLAnchorElement>(null);
  // Narrow windows do not show all sections at once.
  useEffect(() => {
    if (isCurrent) link.current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [isCurrent]);
  return (
    <a
      ref={link}
      href={viewUrl({ section, q: "", kind: null })}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(event) => {
        // Another tab is opened by the browser.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        showSection(section);
      }}
    >
      {t(`section.${section}`)}
    </a>
  );
}
