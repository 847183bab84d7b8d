// Administration: a separate page, so that the chat does not download it.

import { render } from "preact";
import { lang } from "../settings/preferences";
import { loadTexts } from "./i18n";
import { Admin } from "./ui/admin";
import "../style/base.css";
import "../dashboard/style/tokens.css";
import "../dashboard/style/frame.css";
import "../dashboard/style/states.css";
import "../dashboard/style/tables.css";
import "../style/dialogs.css";
import "../style/forms.css";
import "./style/admin.css";

const root = document.getElementById("app");
void loadTexts(lang.value).then(() => {
  if (!root) return;
  // What the page says until its scripts are there.
  root.replaceChildren();
  render(<Admin />, root);
});
