// Components that are not needed at first, in one file that is loaded after the list.

import "../model/alerts";
import "../style/forms.css";
import "../style/dialogs.css";
import "../style/members.css";
import "../style/menus.css";
import "../style/account.css";
import "../style/lightbox.css";
import "../style/forward.css";
import "../style/tray.css";
import "../style/finder.css";
import "../style/user_card.css";
import "./more_icons";
import "../style/links.css";

export { Account } from "./account";
export { ActionDialog } from "./action_dialog";
export { ConversationMenu } from "./conversation_menu";
export { Confirm } from "./dialog";
export { EmojiCompletion } from "./emoji_completion";
export { EmojiPicker } from "./emoji_picker";
export { FormattingHelp } from "./formatting_help";
export { JoinRoom } from "./join_room";
export { Lightbox } from "./lightbox";
export { Members } from "./members";
export { MentionCompletion } from "./mention_completion";
export { NewItems, UserItems } from "./menu_items";
export { MessageMenu } from "./message_menu";
export { MessageSheet } from "./message_sheet";
export { BrowseRooms, NewChat, NewGroup } from "./new_conversation";
export { PinList } from "./pin_list";
export { closeSearch, openSearch } from "./search_page";
export { SearchPanel } from "./search_panel";
export { SearchResults } from "./search_results";
export { ShortcutList } from "./shortcut_list";
export { Tray } from "./tray";
export { UserCard } from "./user_card";
