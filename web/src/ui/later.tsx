// Parts of the page that come when they are needed.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";

/** Draws nothing until the part has come; when it does not, a page says so, and all else tries again next time. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>, isPage = false) {
  let Part: ComponentType<P> | null = null;
  return (props: P) => {
    const [state, set] = useState<"waiting" | "here" | "failed">("waiting");
    useEffect(() => {
      if (Part) return;
      const take = (part: ComponentType<P>) => {
        Part = part;
        set("here");
      };
      load().then(take, () => set("failed"));
    }, []);
    if (Part) return <Part {...props} />;
    return state === "failed" && isPage ? <Failed /> : null;
  };
}

/** The files of this page may be gone after an upgrade: a fresh page names the new ones. */
function Failed() {
  return (
    <main class="missing">
      <h1>{t("error.network")}</h1>
      <button type="button" class="button is-main" onClick={() => location.reload()}>
        {t("again")}
      </button>
    </main>
  );
}
