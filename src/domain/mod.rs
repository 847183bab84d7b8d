//! Floor 0: pure types, validation of their shape, and the clocks. Nothing here waits, stores or knows a dialect.
//!
//! Every module may import this one; it imports no other module of the crate.

mod amendment;
mod application;
mod audit;
mod client;
mod clock;
mod conversation_settings;
mod emoji;
mod endpoint;
mod error;
mod event;
mod field;
mod file;
mod file_name;
mod hex;
mod hook;
mod ids;
mod invite;
mod link;
mod listing;
mod look_alike;
mod mention;
mod message;
mod message_search;
mod name_search;
mod names;
mod new_message;
mod notice;
mod origin;
mod page;
mod password;
mod profile;
mod push;
mod reactions;
mod receipt;
mod recent;
mod room;
mod room_link;
mod selection;
mod session;
mod spelling;
mod summaries;
mod text;
mod times;
mod user;
mod user_name;
mod visible;

pub use amendment::{Amendment, AmendmentKind, Amendments};
pub use application::{Application, ApplicationToken, Scope, StoredApplication};
pub use audit::{AuditEntry, AuditFilter, AuditLog, AuditTarget, Reason};
pub use client::{Client, counted_address};
pub use clock::{Clock, now_ms};
pub use conversation_settings::{ConversationChange, ConversationSettings, Notify};
pub use emoji::Emoji;
pub use endpoint::Endpoint;
pub use error::{Error, Kind, Result, Severity};
pub use event::{Event, OwnEvent, PresenceChange, ReadMark, Rewind, RoomEvent};
pub use field::Field;
pub use file::{Charset, FileKind};
pub use file_name::{FileName, check_file_name};
pub use hex::{from_hex, hex, random_hex};
pub use hook::{HookHealth, HookId, HookOrigin, HookToken, IncomingHook, OutgoingHook};
pub use ids::{EntryId, MessageId, RoomId, Seq, UserId};
pub use invite::{InviteCode, InviteId, InviteTerms};
pub use listing::Listing;
pub use mention::{
    AnnouncedMentions, MentionChange, Mentioned, Mentions, NamedInText, PossibleMention, possible_mentions,
};
pub use message::{Attachment, ClientId, Content, Message, MessageKind, Origin, PinState};
pub use message_search::{FoundMessages, Has, MessageSearch, SearchPlace};
pub use name_search::{NameQuery, name_parts};
pub use names::{Description, Email, RoomName, parse_avatar, parse_phone};
pub use new_message::NewMessage;
pub use notice::{Notice, NoticeKind, SYSTEM_NAME};
pub use origin::AccountOrigin;
pub use page::{
    CountsAs, HistoryPage, HistoryQuery, Limit, OnlineCursor, Span, Tail, TailQuery, Watermark, position_cursor,
    room_cursor,
};
pub use password::{Password, TypedPassword};
pub use profile::{ChangedProfile, ProfileChange, StatusText, UserCard};
pub use push::{POINT_BYTES, PushSubscription, TokenTerms};
pub use reactions::{Reaction, Reactions};
pub use receipt::{Receipts, Runs, Status};
pub use recent::RecentMessages;
pub use room::{
    Conversation, FoundRoom, ListedRoom, Member, MemberRole, NewGroup, RoomCard, RoomChange, RoomDetails, RoomHead,
    RoomKind, RoomSummary, SlowMode, fair_share,
};
pub use room_link::{LinkId, LinkTerms, LinkToken, LinkedRoom, RoomLink};
pub use selection::Selection;
pub use session::{Session, TokenId};
pub use summaries::{InviteSummary, UploadTotal};
pub use text::{folded, searchable};
pub use times::{utc_millis, utc_seconds, whole_second};
pub use user::{Account, Caller, DELETED_NAME, NewAccount, OnlineUser, Role, TokenKey, UserRef};
pub use user_name::{TypedName, UserName, looks};
