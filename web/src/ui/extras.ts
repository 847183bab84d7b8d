// What is not there at first sight; one file, fetched once the chat stands.

import "../style/forms.css";
import "../style/dialogs.css";
import "../style/members.css";
import "../style/menus.css";

export { Details } from "./details";
export { Confirm, Lightbox } from "./dialog";
export { Browse, NewChat, NewGroup } from "./dialogs";
export { Members } from "./members";
export { NewItems, UserItems } from "./menus";
export { Found } from "./search";
