// Components whose code is loaded when they are first drawn.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";

/** Draws nothing until the code is loaded. If that fails, a page offers to reload; other components try again next time. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, isPage = false) {
  let Loaded: ComponentType<P> | null = null;
  return (props: P) => {
    const [state, setState] = useState<"loading" | "loaded" | "failed">("loading");
    useEffect(() => {
      if (Loaded) return;
      const onLoaded = (component: ComponentType<P>) => {
        Loaded = component;
        setState("loaded");
      };
      load().then(onLoaded, () => setState("failed"));
    }, []);
    if (Loaded) return <Loaded {...props} />;
    return state === "failed" && isPage ? <Failed /> : null;
  };
}

/** After an upgrade the files of this page may be gone. A fresh page names the new ones. */
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
