// The page to try the WebSockets by hand: separate, so that the chat does not download it.

import { render } from "preact";
import { lang } from "../settings/preferences";
import { loadTexts } from "./i18n";
import { load } from "./model/trial";
import { Page } from "./ui/page";
import "../style/base.css";
import "../dashboard/style/tokens.css";
import "../dashboard/style/frame.css";
import "../style/forms.css";
import "./style/sockets.css";

const root = document.getElementById("app");
void loadTexts(lang.value).then(() => {
  if (!root) return;
  // What the page says until its scripts are there.
  root.replaceChildren();
  render(<Page />, root);
});
void load();
