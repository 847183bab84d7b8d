// The page to try the WebSockets by hand: separate, so that the chat does not download it.

import { lang } from "../settings/preferences";
import { mount } from "../ui/mount";
import { loadTexts } from "./i18n";
import { load } from "./model/trial";
import { Page } from "./ui/page";
import "../style/base.css";
import "../dashboard/style/tokens.css";
import "../dashboard/style/frame.css";
import "../style/forms.css";
import "./style/sockets.css";

void loadTexts(lang.value).then(() => mount(<Page />));
void load();
