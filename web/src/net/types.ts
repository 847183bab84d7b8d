// What the server and this client exchange: the frames of document 000 with `?ext=1`, and the responses of the routes
// that the client calls. `testing/wire.test.ts` compares these types with the transcripts.

/** Why the server refuses something. */
export type ErrorCode =
  | "malformed"
  | "missing"
  | "invalid"
  | "length"
  | "weak_password"
  | "global_room"
  | "direct_room"
  | "permanent_room"
  | "unauthenticated"
  | "bad_credentials"
  | "wrong_password"
  | "forbidden"
  | "removed"
  | "blocked"
  | "unacquainted"
  | "too_many_blocked"
  | "room_not_found"
  | "message_not_found"
  | "not_editable"
  | "too_late"
  | "too_many_reactions"
  | "too_many_pins"
  | "user_not_found"
  | "user_offline"
  | "not_found"
  | "method_not_allowed"
  | "registration_closed"
  | "invite_required"
  | "invite_invalid"
  | "link_invalid"
  | "link_expired"
  | "link_used_up"
  | "too_many_links"
  | "name_taken"
  | "email_taken"
  | "client_id_reused"
  | "too_many_rooms"
  | "too_large"
  | "unsupported_type"
  | "rate_limited"
  | "slow_mode"
  | "unavailable"
  | "storage_full"
  | "internal";

/** The body of a refused request. */
export interface ErrorAnswer {
  error: string;
  code?: ErrorCode;
  /** The name of the field that is missing, invalid or of a wrong length. */
  field?: string;
}

/** Width and height. */
export type Pixels = [number, number];

export interface UserRef {
  id: number;
  username: string;
}

/** What others see of a user. */
export interface Card extends UserRef {
  /** The address of an avatar; empty for none. */
  avatar: string;
  status_text: string;
  /** Whether it is the account of a program: a webhook, or an application. */
  is_bot?: true;
}

/** What a system message is about. */
export interface Notice {
  kind: "created" | "joined" | "added" | "left" | "removed";
  actor: UserRef;
  user: UserRef;
}

/** An emoji, and the users who reacted with it, the first one first. */
export interface Reaction {
  emoji: string;
  users: number[];
}

/** A mention in the text of a message. */
export interface Mention {
  /** `null` for all members. */
  user_id: number | null;
  /** The name as it stands in the text, behind an `@`. */
  name: string;
}

/** The message of which another is a copy. The user may have no access to its room. */
export interface Origin {
  id: number;
  room_id: number;
  user_id: number;
  username: string;
  created_at: string;
}

export interface Message {
  id: number;
  user_id: number;
  username: string;
  content: string;
  is_image: boolean;
  created_at: string;
  client_id: string | null;
  reply_to: number | null;
  message_type: "text" | "image" | "file" | "audio" | "video" | "emoji" | "system";
  text: string;
  file_url: string | null;
  file_name: string | null;
  file_size: number | null;
  file_pixels: Pixels | null;
  /** A token from which the server resumes the events of the room. */
  resume: string;
  /** Absent on ordinary messages, and on system messages of former versions. */
  notice?: Notice;
  /** When the text was last replaced; absent if it never was. Only grows. */
  edited_at?: string;
  /** Absent if there are none. */
  reactions?: Reaction[];
  /** Absent if there are none. */
  mentions?: Mention[];
  /** Whether it is pinned to its room. */
  pinned?: true;
  /** Absent unless it was forwarded. */
  forwarded_from?: Origin;
}

/** A message outside the context of its room. */
export interface RoomMessage extends Message {
  room_id: number;
}

export type RoomKind = "public" | "group" | "direct";

export interface Conversation {
  id: number;
  /** The id of the room in documents 001 and 003; `global` for the room that has every user. */
  room_id: string;
  name: string;
  kind: RoomKind;
  is_private: boolean;
  /** The other user of a direct room. */
  user_id: number | null;
  /** Whether that is the account of a program. */
  is_bot?: true;
  /** The address of the room's avatar, or of the other user's; empty for none. */
  avatar: string;
  last_message: Message | null;
  unread: number;
  /** Unread messages that mention the user. */
  mentions: number;
  /** Of which messages the user wants to hear. */
  notify: "all" | "mentions" | "none";
  /** Whether it is pinned above the others. */
  pinned: boolean;
  /** Whether the user does not want it listed. */
  hidden: boolean;
  read_id: number | null;
  read_by_other_id: number | null;
  active_at: string;
}

/** What the user has set for a conversation. */
export type ConversationSettings = Pick<Conversation, "notify" | "pinned" | "hidden">;

export interface Member {
  user_id: number;
  username: string;
  role: "owner" | "admin" | "member";
  avatar: string;
  status_text: string;
  is_bot?: true;
}

export interface Me extends Card {
  email: string;
  phone: string;
  is_admin: boolean;
  created_at: string;
}

/** Changes of the user's profile. What is absent stays. */
export type ProfileChange = Partial<Pick<Me, "username" | "avatar" | "status_text">>;

/** Changes of a room. What is absent stays. */
export type RoomChange = Partial<Pick<RoomSettings, "name" | "description" | "avatar" | "slow_mode_secs">>;

/** A log-in of the user. */
export interface Session {
  id: string;
  created_at: string;
  ip: string;
  user_agent: string;
  /** Whether its token is still valid. */
  active: boolean;
  /** Whether its token is the one of this page. */
  current: boolean;
}

export interface FoundRoom {
  id: number;
  room_id: string;
  name: string;
  kind: RoomKind;
  is_private: boolean;
}

export interface RoomBrief {
  id: number;
  name: string;
  is_private: boolean;
}

/** What the owner and admins of a room may change. */
export interface RoomSettings {
  id: number;
  room_id: string;
  kind: RoomKind;
  name: string;
  description: string;
  avatar: string;
  /** Seconds between two messages of a member; 0 for none. */
  slow_mode_secs: number;
}

/** A link with which users join a room themselves. */
export interface RoomLink {
  id: string;
  created_at: string;
  created_by: UserRef;
  /** How many users may join with it; `null` for any number. */
  uses: number | null;
  used: number;
  expires_at: string;
}

/** A new link. The server sends its token only now. */
export interface NewRoomLink {
  id: string;
  token: string;
  url: string;
  uses: number | null;
  expires_at: string;
}

/** The room of a link. */
export interface LinkedRoom {
  id: number;
  room_id: string;
  kind: RoomKind;
  name: string;
  description: string;
  avatar: string;
  members: number;
  is_member: boolean;
}

interface BlockedUser {
  user_id: number;
  username: string;
}

/** Document 003: a user who was active in the last half hour. */
interface OnlineUser {
  user_id: number;
  username: string;
  ip: string;
  user_agent: string;
  login_time: string;
  last_activity: string;
}

/** Document 002: how far a message has come. */
interface StatusAnswer {
  code: number;
  message: string;
  status: "sent" | "delivered" | "read";
}

/** Document 001: a page of messages, of which the client reads the receipts. */
interface MessagePage {
  code: number;
  message: string;
  data: { messages: ListedMessage[]; total: number };
}

interface ListedMessage {
  message_id: string;
  type: string;
  content: string;
  sender_id: string;
  receiver_id: string;
  group_id: string;
  created_at: string;
  read_by: { user_id: string; read_at: string }[];
}

interface Done {
  message: string;
}

/** The routes that the client calls, with the bodies of their successful responses. */
export interface Answers {
  "POST /api/v1/auth/register": Done;
  "POST /api/v1/auth/login": { token: string };
  "POST /api/v1/auth/logout": Done;
  "GET /api/v1/me": Me;
  "PATCH /api/v1/me": Me;
  "DELETE /api/v1/me": Done;
  "GET /api/v1/me/sessions": Session[];
  "DELETE /api/v1/me/sessions/{id}": Done;
  "PUT /api/v1/me/password": { token: string };
  "GET /api/v1/push/key": { public_key: string };
  "POST /api/v1/push/subscriptions": Done;
  "DELETE /api/v1/push/subscriptions": Done;
  "GET /api/v1/users": Card[];
  "GET /api/v1/conversations": Conversation[];
  "GET /api/v1/search?kind=user": UserRef[];
  "GET /api/v1/search?kind=room": FoundRoom[];
  "GET /api/v1/search?kind=message": RoomMessage[];
  "POST /api/v1/rooms": RoomBrief;
  "GET /api/v1/rooms/{id}": RoomSettings;
  "PATCH /api/v1/rooms/{id}": RoomSettings;
  "DELETE /api/v1/rooms/{id}": Done;
  "GET /api/v1/rooms/{id}/pins": RoomMessage[];
  "GET /api/v1/rooms/{id}/links": RoomLink[];
  "POST /api/v1/rooms/{id}/links": NewRoomLink;
  "DELETE /api/v1/rooms/{id}/links/{link_id}": Done;
  "POST /api/v1/room-links/open": LinkedRoom;
  "POST /api/v1/room-links/join": LinkedRoom;
  "PUT /api/v1/rooms/{id}/settings": ConversationSettings;
  "GET /api/v1/me/blocks": BlockedUser[];
  "PUT /api/v1/me/blocks/{user_id}": Done;
  "DELETE /api/v1/me/blocks/{user_id}": Done;
  "GET /api/v1/rooms/{id}/members": Member[];
  "POST /api/v1/rooms/{id}/members": Done;
  "PUT /api/v1/rooms/{id}/members/{user_id}": Done;
  "DELETE /api/v1/rooms/{id}/members/{user_id}": Done;
  "POST /api/v1/upload/image": { url: string };
  "POST /api/v1/upload/file": { url: string; fileName: string; fileSize: number };
  "GET /api/chat/online-users": OnlineUser[];
  "POST /api/chat/message/status": StatusAnswer;
  "GET /api/v1/chat/messages": MessagePage;
}

export type Route = keyof Answers;

interface Membership {
  room_id: number;
  user_id: number;
  username: string;
  /** The system message about the change. */
  message: RoomMessage;
}

/** The frames of the server, by type. */
export interface ServerPayloads {
  new_message: RoomMessage;
  /** Answers `fetch_history`. With `cut` the page was too large, and its oldest messages are left out. */
  message_history: { room_id: number; messages: Message[]; cut?: true; ref?: string };
  message_deleted: { room_id: number; id: number; user_id: number };
  /** The sender replaced the text of a message. */
  message_edited: { room_id: number; id: number; user_id: number; content: string; edited_at: string };
  /** A user reacted to a message, or removed the reaction. */
  reaction: { room_id: number; id: number; user_id: number; emoji: string; on: boolean };
  /** A user has read the messages from `first_id` to `id`. */
  message_read: { room_id: number; user_id: number; first_id: number; id: number; read_at: string };
  /** All reactions to a message of which the client may have missed some. */
  reactions: { room_id: number; id: number; reactions: Reaction[] };
  /** A user pinned a message to its room, or unpinned it. */
  pinned: { room_id: number; id: number; user_id: number; on: boolean };
  /** A message mentions the user of this connection. */
  mentioned: { room_id: number; id: number; user_id: number; username: string };
  /** An edit changed whom a message mentions. `before` has those of the former text, `null` for all, where known. */
  mentions_changed: {
    room_id: number;
    id: number;
    user_id: number;
    mentions: Mention[];
    before?: (number | null)[];
  };
  typing: { room_id: number; user_id: number; username: string };
  presence: { room_id: number; users: { user_id: number; username: string; online: boolean }[] };
  member_added: Membership;
  member_removed: Membership;
  /** The owner or an admin changed the room. Has what changed and nothing else. */
  room_changed: {
    room_id: number;
    user_id: number;
    name?: string;
    description?: string;
    avatar?: string;
    slow_mode_secs?: number;
  };
  /** The room is gone for everyone. */
  room_removed: { room_id: number; user_id: number };
  /** The user changed the profile, perhaps on another device. Has what changed and nothing else. */
  me_changed: ProfileChange;
  /** Other users changed their profiles. Has what changed and nothing else. */
  profiles_changed: { users: ({ user_id: number } & ProfileChange)[] };
  /** The user changed what is set for a conversation, perhaps on another device. */
  settings_changed: ConversationSettings & { room_id: number };
  /** Every missed event of the room was sent. */
  resumed: { room_id: number };
  /** The token of the room is too old, or the server has lost messages of it: its history must be fetched. */
  not_recovered: { room_id: number };
  /** Answers a command with a `ref`. */
  done: { ref: string };
  /** Answers `ping`. */
  pong: { ref?: string };
  error: {
    message: string;
    code: ErrorCode;
    ref?: string;
    client_id?: string;
    /** The name of the field that is missing, invalid or of a wrong length. */
    field?: string;
    retry_after_ms?: number;
  };
}

/** Any command may carry a `ref` of up to 64 characters. Its response repeats it. */
interface Ref {
  ref?: string;
}

interface RoomCommand extends Ref {
  room_id: number;
}

interface MessageCommand extends RoomCommand {
  id: number;
}

interface SendCommand extends RoomCommand {
  content?: string;
  is_image?: boolean;
  client_id?: string;
  reply_to?: number;
  /** The id of a message of which this one is a copy. */
  forwarded_from?: number;
  message_type?: Exclude<Message["message_type"], "system">;
  file_url?: string;
  file_name?: string;
  file_size?: number;
}

interface HistoryCommand extends RoomCommand {
  /** From 1, the newest page, which is also meant if it is absent. */
  page?: number;
  page_size: number;
  /** Whether the messages do not count as read. */
  peek?: boolean;
}

interface EditCommand extends MessageCommand {
  content: string;
}

interface ReactCommand extends MessageCommand {
  emoji: string;
  /** Whether the user reacts, or removes the reaction. */
  on: boolean;
}

interface PinCommand extends MessageCommand {
  /** Whether the message is pinned or unpinned. */
  on: boolean;
}

interface FocusCommand extends Ref {
  /** Whether the window has the focus. */
  on: boolean;
}

interface ResumeCommand extends Ref {
  /** For each room the token of the last message that the client has. */
  rooms: Record<string, string>;
}

/** The commands of the client, by type. */
export interface ClientPayloads {
  send_message: SendCommand;
  fetch_history: HistoryCommand;
  delete_message: MessageCommand;
  edit_message: EditCommand;
  react: ReactCommand;
  pin: PinCommand;
  /** Marks the messages up to `id` as read. */
  mark_read: MessageCommand;
  /** Counts a message and those behind it as unread again. */
  mark_unread: MessageCommand;
  typing: RoomCommand;
  join_room: RoomCommand;
  leave_room: RoomCommand;
  focus: FocusCommand;
  resume: ResumeCommand;
  ping: Ref | undefined;
}

/** A frame with one of the payloads. */
export type FrameOf<Payloads, Type extends keyof Payloads> = undefined extends Payloads[Type]
  ? { type: Type; payload?: Payloads[Type] }
  : { type: Type; payload: Payloads[Type] };

export type ServerFrame = {
  [Type in keyof ServerPayloads]: FrameOf<ServerPayloads, Type>;
}[keyof ServerPayloads];
export type ClientFrame = {
  [Type in keyof ClientPayloads]: FrameOf<ClientPayloads, Type>;
}[keyof ClientPayloads];

type AnswerType = "done" | "pong" | "message_history" | "error";
/** The frames that answer a command. */
export type AnswerFrame = Extract<ServerFrame, { type: AnswerType }>;
/** The frames that answer no command. */
export type EventFrame = Exclude<ServerFrame, { type: AnswerType }>;
