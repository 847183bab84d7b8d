// The items of the two menus above the list.

import { useState } from "preact/hooks";
import { setLang, t } from "../i18n";
import { canInstall, install } from "../model/install";
import { canPush, isPushed, subscribe, unsubscribe } from "../model/push";
import { logOut, me } from "../model/session";
import { ring } from "../model/sound";
import { showToast } from "../model/toast";
import {
  lang,
  loadsPictures,
  notificationsEnabled,
  setLoadsPictures,
  setNotificationsEnabled,
  setSoundsEnabled,
  setTheme,
  soundsEnabled,
  type Theme,
  theme,
} from "../settings/preferences";
import { Icon } from "./common";
import { isInstalled, isIos, isTouch } from "./input";
import { navigate } from "./router";

export function NewItems({ onPick }: { onPick: (dialog: "chat" | "group" | "browse") => void }) {
  const pick = (dialog: "chat" | "group" | "browse") => () => onPick(dialog);
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

/** Logs out, and does not come back to the same conversation after the next login. */
function leave(): void {
  navigate("/login");
  logOut();
}

interface SwitchItemProps {
  icon: Parameters<typeof Icon>[0]["name"];
  label: string;
  isOn: boolean;
  onSet: (isOn: boolean) => void;
}

function SwitchItem({ icon, label, isOn, onSet }: SwitchItemProps) {
  return (
    <button type="button" class="menu-item" role="switch" aria-checked={isOn} onClick={() => onSet(!isOn)}>
      <Icon name={icon} /> {label}
      <span class={`switch ${isOn ? "is-on" : ""}`} />
    </button>
  );
}

/** On if the browser permits notifications. Switching it on asks for the permission. */
function NotifyItems() {
  const isAllowed = () => "Notification" in window && Notification.permission === "granted";
  const [allowed, setAllowed] = useState(isAllowed);
  const set = async (isOn: boolean) => {
    setNotificationsEnabled(isOn);
    if (!isOn) return void unsubscribe().catch(() => {});
    if (!isAllowed() && "Notification" in window) await Notification.requestPermission().catch(() => {});
    setAllowed(isAllowed());
    if (!isAllowed()) showToast(t("menu.notifyBlocked"));
  };
  const setPushed = async (isOn: boolean) => {
    if (!isOn) return unsubscribe();
    if (!notificationsEnabled.peek() || !isAllowed()) await set(true);
    if (!isAllowed()) return;
    await subscribe().catch(() => showToast(t("menu.pushFailed")));
  };
  return (
    <>
      <SwitchItem
        icon="bell"
        label={t("menu.notify")}
        isOn={notificationsEnabled.value && allowed}
        onSet={(isOn) => void set(isOn)}
      />
      {canPush() && (
        <SwitchItem
          icon="bell"
          label={t("menu.push")}
          isOn={isPushed.value && allowed}
          onSet={(isOn) => void setPushed(isOn).catch(() => {})}
        />
      )}
    </>
  );
}

/** To switch it on plays the sound. */
function setSounds(isOn: boolean): void {
  setSoundsEnabled(isOn);
  if (isOn) void ring();
}

/** Offers to install the app as far as the browser does. On iOS only its own menu can, so the text says where. */
function InstallItem() {
  if (canInstall()) {
    const take = ({ currentTarget }: { currentTarget: Element }) => {
      // The item disappears, and the focus must not be lost with it.
      currentTarget.closest(".menu-box")?.querySelector("button")?.focus();
      void install().catch(() => {});
    };
    return (
      <button type="button" class="menu-item" onClick={take}>
        <Icon name="install" /> {t("menu.install")}
      </button>
    );
  }
  if (!isIos || isInstalled()) return null;
  return (
    <p class="menu-hint">
      <Icon name="install" /> {t("menu.installIos")}
    </p>
  );
}

interface UserItemsProps {
  onAccount: () => void;
  onShortcuts: () => void;
}

export function UserItems({ onAccount, onShortcuts }: UserItemsProps) {
  const themes: Theme[] = ["system", "light", "dark"];
  const other = lang.value === "zh" ? "en" : "zh";
  return (
    <div class="menu">
      <fieldset class="segments">
        <legend class="sr">{t("theme.label")}</legend>
        {themes.map((name) => (
          <button type="button" key={name} aria-pressed={theme.value === name} onClick={() => setTheme(name)}>
            {t(`theme.${name}`)}
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
      <NotifyItems />
      <SwitchItem icon="sound" label={t("menu.sounds")} isOn={soundsEnabled.value} onSet={setSounds} />
      <SwitchItem
        icon="image"
        label={t("menu.pictures")}
        isOn={loadsPictures.value}
        onSet={setLoadsPictures}
      />
      <InstallItem />
      <button type="button" class="menu-item" onClick={onAccount}>
        <Icon name="person" /> {t("menu.account")}
      </button>
      {!isTouch && (
        <button type="button" class="menu-item" onClick={onShortcuts}>
          <Icon name="keyboard" /> {t("keys.title")}
        </button>
      )}
      <a class="menu-item" href="/docs/" target="_blank" rel="noreferrer">
        <Icon name="book" /> {t("menu.docs")}
      </a>
      {me.value?.is_admin && (
        <>
          <a class="menu-item" href="/admin">
            <Icon name="people" /> {t("menu.admin")}
          </a>
          <a class="menu-item" href="/dashboard">
            <Icon name="shield" /> {t("menu.dashboard")}
          </a>
        </>
      )}
      <hr />
      <button type="button" class="menu-item" onClick={leave}>
        <Icon name="exit" /> {t("menu.logout")}
      </button>
    </div>
  );
}
