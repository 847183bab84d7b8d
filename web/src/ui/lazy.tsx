// Components whose code is loaded when they are first drawn.

import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { loadTexts, t } from "../i18n";

/**
 * Draws a placeholder until the code is loaded, or nothing. If that fails, a component with a placeholder offers to
 * reload; others try again next time.
 */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, StandIn?: () => JSX.Element) {
  let Loaded: ComponentType<P> | null = null;
  return (props: P) => {
    const [state, setState] = useState<"loading" | "loaded" | "failed">("loading");
    useEffect(() => {
      if (Loaded) return;
      const onLoaded = (component: ComponentType<P>) => {
        Loaded = component;
        setState("loaded");
      };
      Promise.all([load(), loadTexts()]).then(
        ([component]) => onLoaded(component),
        () => setState("failed"),
      );
    }, []);
    if (Loaded) return <Loaded {...props} />;
    if (!StandIn) return null;
    return state === "failed" ? <Failed /> : <StandIn />;
  };
}

/** After an upgrade the files of this page may no longer exist. A reloaded page has the new ones. */
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
