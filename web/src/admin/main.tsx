// Administration: a separate page, so that the chat does not download it.

import { lang } from "../settings/preferences";
import { mount } from "../ui/mount";
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

void loadTexts(lang.value).then(() => mount(<Admin />));
