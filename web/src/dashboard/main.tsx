// The dashboard for operators: a separate page, so that the chat does not download it.

import { useEffect } from "preact/hooks";
import { token } from "../model/session";
import { lang } from "../settings/preferences";
import { mount } from "../ui/mount";
import { loadTexts } from "./i18n";
import { view, viewUrl } from "./model/view";
import { Dashboard } from "./ui/dashboard";
import "../style/base.css";
import "./style/tokens.css";
import "./style/frame.css";
import "./style/metrics.css";
import "./style/cards.css";
import "./style/tables.css";
import "./style/states.css";

/** The dashboard for users who are logged in. Others are sent to the login, which leads back to the same view. */
function Guarded() {
  const isLoggedIn = token.value !== null;
  useEffect(() => {
    if (!isLoggedIn) location.replace(`/login?next=${encodeURIComponent(viewUrl(view.peek()))}`);
  }, [isLoggedIn]);
  return isLoggedIn ? <Dashboard /> : null;
}

void loadTexts(lang.value).then(() => mount(<Guarded />));
