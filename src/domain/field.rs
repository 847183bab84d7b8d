//! The fields of requests, as errors name them.

/// The field of a request that a 400 is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A message's text.
    Content,
    /// A message's kind.
    MessageType,
    /// An emoji with which a user reacts.
    Emoji,
    /// The message that is replied to.
    ReplyTo,
    /// The message that is forwarded.
    ForwardedFrom,
    /// The sender's own id of a message.
    ClientId,
    /// A room's id.
    RoomId,
    /// A room's name.
    RoomName,
    /// A room's or group's description.
    Description,
    /// A user's name.
    UserName,
    /// A user's password.
    Password,
    /// The password that a new one replaces.
    OldPassword,
    /// The password that replaces another.
    NewPassword,
    /// A user's name and password together.
    Credentials,
    /// A user's e-mail address.
    Email,
    /// A user's phone number.
    Phone,
    /// The address of a user's or group's avatar.
    Avatar,
    /// The status text of a user.
    StatusText,
    /// The pause between two messages of a member.
    SlowMode,
    /// A user's id.
    UserId,
    /// The ids of several users.
    UserIds,
    /// The user or group that a message is for.
    Receiver,
    /// The role of a member.
    Role,
    /// Which messages notify a user.
    Notify,
    /// The text that a search looks for.
    Query,
    /// Whether a search looks for users, rooms or messages.
    SearchKind,
    /// Whose messages a search looks for.
    From,
    /// What the messages have that a search looks for.
    Has,
    /// Whether a message is for a user or a room.
    ChatType,
    /// The type of a frame.
    Type,
    /// Size of a page.
    Limit,
    /// Message, or time, before which a page ends.
    Before,
    /// Message after which a page starts.
    After,
    /// Cursor of a list.
    Cursor,
    /// The file of an upload.
    File,
    /// The name of an uploaded file.
    FileName,
    /// The client's own id of a command.
    Reference,
    /// How often an invite may be used.
    Uses,
    /// The token of a link to a room.
    LinkToken,
    /// For how many days an invite is valid.
    Days,
    /// Why an administrator acts.
    Reason,
    /// The address of another server.
    Url,
    /// The address at which a browser receives notifications.
    Endpoint,
    /// The public key of a browser.
    PushKey,
    /// The authentication secret of a browser.
    PushAuth,
}

impl Field {
    /// The name in requests. A dialect that spells a field differently overrides it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::MessageType => "message_type",
            Self::Emoji => "emoji",
            Self::ReplyTo => "reply_to",
            Self::ForwardedFrom => "forwarded_from",
            Self::ClientId => "client_id",
            Self::RoomId => "room_id",
            Self::RoomName => "name",
            Self::Description => "description",
            Self::UserName => "username",
            Self::Password => "password",
            Self::OldPassword => "old",
            Self::NewPassword => "new",
            Self::Credentials => "credentials",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Avatar => "avatar",
            Self::StatusText => "status_text",
            Self::SlowMode => "slow_mode_secs",
            Self::UserId => "user_id",
            Self::UserIds => "ids",
            Self::Receiver => "receiver_id",
            Self::Role => "role",
            Self::Notify => "notify",
            Self::Query => "q",
            Self::SearchKind => "kind",
            Self::From => "from",
            Self::Has => "has",
            Self::ChatType => "chat_type",
            Self::Type => "type",
            Self::Limit => "limit",
            Self::Before => "before",
            Self::After => "after",
            Self::Cursor => "cursor",
            Self::File => "file",
            Self::FileName => "file_name",
            Self::Reference => "ref",
            Self::Uses => "uses",
            Self::LinkToken => "token",
            Self::Days => "days",
            Self::Reason => "reason",
            Self::Url => "url",
            Self::Endpoint => "endpoint",
            Self::PushKey => "p256dh",
            Self::PushAuth => "auth",
        }
    }
}
