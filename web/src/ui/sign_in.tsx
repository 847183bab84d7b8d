// The pages that register a user and log one in.

import { useEffect, useRef, useState } from "preact/hooks";
import { setLang, t } from "../i18n";
import icon from "../icon.svg";
import { hasExpired, safeNext, startSession } from "../model/session";
import { FIELDS, type FormErrors, serverErrors, validate } from "../model/validation";
import { api } from "../net/http";
import { lang } from "../settings/preferences";
import { Icon } from "./common";
import { Field } from "./field";
import { navigate, query } from "./router";
import "../style/sign_in.css";

function LangButton() {
  const other = lang.value === "zh" ? "en" : "zh";
  return (
    <button
      type="button"
      class="button is-quiet lang-button"
      lang={other === "zh" ? "zh-CN" : "en"}
      onClick={() => setLang(other)}
    >
      <Icon name="globe" size={18} />
      {t("lang.other")}
    </button>
  );
}

export function SignIn({ isNew }: { isNew: boolean }) {
  const [username, setUsername] = useState(query.value.name ?? "");
  const [password, setPassword] = useState("");
  const [confirm, setConfirm] = useState("");
  const [invite, setInvite] = useState(query.value.invite ?? "");
  /** Shown from the start to those with a link, and to others once the server requires a code. */
  const [hasInvite, setHasInvite] = useState(isNew && Boolean(query.value.invite));
  const [errors, setErrors] = useState<FormErrors>({});
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const empty = [...(form.current?.querySelectorAll("input") ?? [])].find(({ value }) => value === "");
    empty?.focus();
  }, []);
  const isToJoin = safeNext(query.value.next).startsWith("/chat?join=");
  const next = query.value.next ? `?next=${encodeURIComponent(query.value.next)}` : "";

  const submit = async (event: Event) => {
    event.preventDefault();
    const found = validate(username, password, isNew ? confirm : null);
    setErrors(found);
    if (Object.keys(found).length > 0) {
      const form = event.currentTarget as HTMLFormElement;
      const first = FIELDS.find((name) => name in found);
      form.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
      return;
    }
    setBusy(true);
    try {
      if (isNew) {
        await api.register(username, password, invite.trim() || undefined);
        const name = `name=${encodeURIComponent(username)}`;
        navigate(`/login?registered=1&${name}${next.replace("?", "&")}`, true);
      } else {
        startSession((await api.logIn(username, password)).token);
        navigate(safeNext(query.value.next), true);
      }
    } catch (error) {
      const refusals = serverErrors(error);
      setErrors(refusals);
      if (refusals.invite) setHasInvite(true);
    } finally {
      setBusy(false);
    }
  };

  return (
    <div class="sign">
      <div class="sign-top">
        <LangButton />
      </div>
      <main class="sign-card">
        <img class="sign-mark" src={icon} width="52" height="52" alt="" />
        <h1>{t(isNew ? "register.title" : "login.title")}</h1>
        <p class="muted">{t("app.tagline")}</p>
        {!isNew && query.value.registered && !errors.form && (
          <p class="note is-good" role="status">
            {t("login.registered")}
          </p>
        )}
        {!isNew && hasExpired.value && !errors.form && (
          <p class="note" role="status">
            {t("login.expired")}
          </p>
        )}
        {isNew && query.value.invite && !errors.form && !errors.invite && (
          <p class="note is-good">{t("register.invited")}</p>
        )}
        {isToJoin && !query.value.registered && !hasExpired.value && !errors.form && (
          <p class="note is-good">{t("join.first")}</p>
        )}
        {errors.form && (
          <p class="note is-bad" role="alert">
            {errors.form}
          </p>
        )}
        <form ref={form} onSubmit={submit} noValidate>
          <Field
            name="username"
            label={t("field.username")}
            value={username}
            error={errors.username}
            onInput={setUsername}
            autocomplete="username"
          />
          <Field
            name="password"
            label={t("field.password")}
            value={password}
            error={errors.password}
            onInput={setPassword}
            isSecret
            autocomplete={isNew ? "new-password" : "current-password"}
          />
          {isNew && (
            <Field
              name="confirm"
              label={t("field.confirm")}
              value={confirm}
              error={errors.confirm}
              onInput={setConfirm}
              isSecret
              autocomplete="new-password"
            />
          )}
          {hasInvite && (
            <Field
              name="invite"
              label={t("field.invite")}
              value={invite}
              error={errors.invite}
              onInput={setInvite}
              autocomplete="off"
            />
          )}
          <button type="submit" class="button is-main is-wide" disabled={isBusy}>
            {t(isNew ? "register.submit" : "login.submit")}
          </button>
        </form>
        <p class="sign-other">
          {t(isNew ? "register.have" : "login.none")}{" "}
          <a href={(isNew ? "/login" : "/register") + next}>
            {t(isNew ? "register.toLogin" : "login.toRegister")}
          </a>
        </p>
      </main>
    </div>
  );
}
