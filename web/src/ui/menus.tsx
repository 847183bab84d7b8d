// What the two menus above the list offer.

import { setLang, t } from "../i18n";
import { logOut, me } from "../model/session";
import { lang, notifies, setNotifies, setTheme, type Theme, theme } from "../settings/preferences";
import { go } from "./nav";
import { Icon } from "./parts";

export function NewItems({ onPick }: { onPick: (shown: "chat" | "group" | "browse") => void }) {
  const pick = (shown: "chat" | "group" | "browse") => () => onPick(shown);
  return (
    <div class="menu is-right">
      <button type="button" class="menu-item" onClick={pick("chat")}>
        <Icon name="person" /> {t("new.chat")}
      </button>
      <button type="button" class="menu-item" onClick={pick("group")}>
        <Icon name="people" /> {t("new.group")}
      </button>
      <button type="button" class="menu-item" onClick={pick("browse")}>
        <Icon name="compass" /> {t("new.browse")}
      </button>
    </div>
  );
}

/** Who leaves wants to go nowhere afterwards. */
function leave(): void {
  go("/login");
  logOut();
}

export function UserItems() {
  const themes: Theme[] = ["system", "light", "dark"];
  const other = lang.value === "zh" ? "en" : "zh";
  return (
    <div class="menu">
      <fieldset class="segments">
        <legend class="sr">{t("theme.label")}</legend>
        {themes.map((it) => (
          <button type="button" key={it} aria-pressed={theme.value === it} onClick={() => setTheme(it)}>
            {t(`theme.${it}`)}
          </button>
        ))}
      </fieldset>
      <button
        type="button"
        class="menu-item"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => void setLang(other)}
      >
        <Icon name="globe" /> {t("lang.other")}
      </button>
      <button
        type="button"
        class="menu-item"
        role="switch"
        aria-checked={notifies.value}
        onClick={() => setNotifies(!notifies.value)}
      >
        <Icon name="bell" /> {t("menu.notify")}
        <span class={`switch ${notifies.value ? "is-on" : ""}`} />
      </button>
      <a class="menu-item" href="/docs/" target="_blank" rel="noreferrer">
        <Icon name="book" /> {t("menu.docs")}
      </a>
      {me.value?.is_admin && (
        <a class="menu-item" href="/dashboard">
          <Icon name="shield" /> {t("menu.dashboard")}
        </a>
      )}
      <hr />
      <button type="button" class="menu-item" onClick={leave}>
        <Icon name="exit" /> {t("menu.logout")}
      </button>
    </div>
  );
}
