//! Wire types of document 001. In requests `""` and `null` mean absent; in replies fields that do not apply are `""`.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dialects::common::{absolute, content, utc_seconds};
use crate::domain::{
    Account, ClientId, Content, Description, Error, Field, Message, MessageKind, NewGroup, NewMessage, Receipts,
    Result, RoomHead, RoomName, UserId,
};
use crate::service::Receiver;

/// A successful reply: HTTP 200, code 200, `success`.
#[derive(Serialize, ToSchema)]
pub(super) struct Envelope<T> {
    #[schema(example = 200)]
    code: u16,
    #[schema(example = "success")]
    message: &'static str,
    data: T,
}

/// Wraps the data of a reply.
pub(super) fn success<T: Serialize>(data: T) -> HttpResponse {
    HttpResponse::Ok().json(succeeded(data))
}

/// The data of a reply in its envelope.
pub(super) fn succeeded<T: Serialize>(data: T) -> Envelope<T> {
    Envelope { code: 200, message: "success", data }
}

/// A text that is present: not missing, null or empty.
pub(super) fn present(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// The body of `POST /register`.
#[derive(Deserialize, ToSchema)]
pub(super) struct RegisterBody {
    #[schema(required, value_type = String, min_length = 1, max_length = 32)]
    pub(super) username: Option<String>,
    #[schema(required, value_type = String, min_length = 3, max_length = 254)]
    pub(super) email: Option<String>,
    /// 6 characters to 71 bytes.
    #[schema(required, value_type = String, min_length = 6, max_length = 71)]
    pub(super) password: Option<String>,
    /// Optional.
    #[schema(max_length = 32)]
    pub(super) phone: Option<String>,
    /// The code of an invite, where the server requires one.
    pub(super) invite: Option<String>,
}

/// The body of `POST /login`.
#[derive(Deserialize, ToSchema)]
pub(super) struct LoginBody {
    /// The e-mail address, or the user name of an account without one.
    #[schema(required, value_type = String, min_length = 1, max_length = 254)]
    pub(super) email: Option<String>,
    /// 6 characters to 71 bytes.
    #[schema(required, value_type = String, min_length = 6, max_length = 71)]
    pub(super) password: Option<String>,
}

/// The body of `PUT /user/profile`. Absent fields stay unchanged; `""` clears avatar and phone.
#[derive(Deserialize, ToSchema)]
pub(super) struct ProfileBody {
    #[schema(min_length = 1, max_length = 32)]
    pub(super) username: Option<String>,
    #[schema(max_length = 500)]
    pub(super) avatar: Option<String>,
    #[schema(max_length = 32)]
    pub(super) phone: Option<String>,
}

/// A new account.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    user_id: String,
    username: String,
    email: String,
    phone: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Account> for Registered {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.id.to_string(),
            username: account.name,
            email: account.email,
            phone: account.phone,
            created_at: utc_seconds(account.created_at_ms),
        }
    }
}

/// A login.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn {
    token: String,
    user: LoggedInUser,
}

/// The user who logged in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedInUser {
    user_id: String,
    username: String,
    email: String,
}

impl LoggedIn {
    pub(super) fn new(account: Account, token: String) -> Self {
        let user_id = account.id.to_string();
        Self { token, user: LoggedInUser { user_id, username: account.name, email: account.email } }
    }
}

/// The caller's profile.
#[derive(Serialize, ToSchema)]
pub(super) struct Profile {
    user_id: String,
    username: String,
    email: String,
    phone: String,
    avatar: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl Profile {
    pub(super) fn new(account: Account, base_url: &str) -> Self {
        Self {
            user_id: account.id.to_string(),
            username: account.name,
            email: account.email,
            phone: account.phone,
            avatar: absolute(base_url, &account.avatar).into_owned(),
            created_at: utc_seconds(account.created_at_ms),
            updated_at: utc_seconds(account.updated_at_ms),
        }
    }
}

/// The profile after a change, without e-mail address and creation time, as documented.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedProfile {
    user_id: String,
    username: String,
    avatar: String,
    phone: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl ChangedProfile {
    pub(super) fn new(account: Account, base_url: &str) -> Self {
        Self {
            user_id: account.id.to_string(),
            username: account.name,
            avatar: absolute(base_url, &account.avatar).into_owned(),
            phone: account.phone,
            updated_at: utc_seconds(account.updated_at_ms),
        }
    }
}

/// The body of `POST /chat/message` and of frames to the WebSocket.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"type": "text", "content": "你好", "receiver_id": "2"}))]
pub(super) struct MessageBody {
    /// `text`, `image` or `file`.
    #[serde(rename = "type")]
    #[schema(required, value_type = String, pattern = "^(text|image|file)$")]
    kind: Option<String>,
    /// 1–5000 characters; for an image or file its address.
    #[schema(required, value_type = String, min_length = 1, max_length = 5000)]
    content: Option<String>,
    /// The receiving user of a private message.
    pub(super) receiver_id: Option<String>,
    /// The receiving group.
    pub(super) group_id: Option<String>,
    /// The sender's own id of the message: a retry with the same id returns the first message. The header
    /// `Idempotency-Key` has the same effect.
    #[schema(max_length = 128)]
    client_id: Option<String>,
}

/// The receiver: exactly one of user and group.
pub(super) fn receiver(receiver_id: &Option<String>, group_id: &Option<String>) -> Result<Receiver> {
    match (present(receiver_id), present(group_id)) {
        (Some(user), None) => user_of(user).map(Receiver::User),
        (None, Some(group)) => group.parse().map(Receiver::Room).map_err(|_| Error::RoomNotFound),
        (None, None) => Err(Error::Missing(Field::Receiver)),
        (Some(_), Some(_)) => Err(Error::Invalid(Field::Receiver)),
    }
}

/// Parses a user id in canonical decimal form.
pub(super) fn user_of(text: &str) -> Result<UserId> {
    let number: u64 = text.parse().map_err(|_| Error::UserNotFound)?;
    if number.to_string() == text { Ok(UserId(number)) } else { Err(Error::UserNotFound) }
}

/// Converts a body to a message. A client id in the body takes precedence over the header.
pub(super) fn new_message(body: MessageBody, retry_id: Option<ClientId>) -> Result<NewMessage> {
    let kind = match present(&body.kind) {
        Some("text") => MessageKind::Text,
        Some("image") => MessageKind::Image,
        Some("file") => MessageKind::File,
        Some(_) => return Err(Error::Invalid(Field::MessageType)),
        None => return Err(Error::Missing(Field::MessageType)),
    };
    let client_id = present(&body.client_id).map(ClientId::parse).transpose()?.or(retry_id);
    let text = Content::parse(body.content.filter(|text| !text.is_empty()).ok_or(Error::Missing(Field::Content))?)?;
    Ok(NewMessage::new(kind, text).with_client_id(client_id))
}

/// A message, §3.2.
#[derive(Serialize, ToSchema)]
#[schema(as = envelope::ChatMessage, example = json!({
    "message_id": "10405", "type": "text", "content": "你好", "sender_id": "1", "receiver_id": "2", "group_id": "",
    "created_at": "2025-10-26T12:00:00Z"
}))]
pub(super) struct ChatMessage {
    message_id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    content: String,
    sender_id: String,
    receiver_id: String,
    group_id: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl ChatMessage {
    pub(super) fn new(message: &Message, room: &RoomHead, base_url: &str) -> Self {
        let other = room.other(message.sender.id);
        Self {
            message_id: message.id.to_integer().to_string(),
            kind: kind_word(message.kind),
            content: content(message, base_url).into_owned(),
            sender_id: message.sender.id.to_string(),
            receiver_id: other.map(|user| user.to_string()).unwrap_or_default(),
            group_id: if other.is_some() { String::new() } else { room.id.to_string() },
            created_at: utc_seconds(message.id.entry.at_ms),
        }
    }
}

/// Kinds that this document lacks: audio and video are files; emoji and users' system messages are text.
fn kind_word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text | MessageKind::Emoji | MessageKind::System => "text",
        MessageKind::Image => "image",
        MessageKind::File | MessageKind::Audio | MessageKind::Video => "file",
    }
}

/// Query of `GET /chat/messages`. `""` means absent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// The other user of a private chat.
    pub(super) receiver_id: Option<String>,
    /// The receiving group.
    pub(super) group_id: Option<String>,
    /// 20 when absent, at most 1000.
    #[param(value_type = Option<i64>, minimum = 1)]
    pub(super) limit: Option<String>,
    /// Messages to skip, from the newest; 0 when absent.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub(super) offset: Option<String>,
}

/// A message in a list, with its readers.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedMessage {
    #[serde(flatten)]
    message: ChatMessage,
    read_by: Vec<Reader>,
}

/// A reader of a message, and when the user first read it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"user_id": "2", "read_at": "2025-10-26T12:00:05Z"}))]
pub(super) struct Reader {
    user_id: String,
    #[schema(format = DateTime)]
    read_at: String,
}

impl ListedMessage {
    pub(super) fn new(message: &Message, room: &RoomHead, receipts: &Receipts) -> Self {
        let reader = |(user, at_ms): (UserId, u64)| Reader { user_id: user.to_string(), read_at: utc_seconds(at_ms) };
        let read_by = receipts.read_by(message).into_iter().map(reader).collect();
        Self { message: ChatMessage::new(message, room, ""), read_by }
    }
}

/// A page of messages, and the number of messages in all.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageList {
    pub(super) messages: Vec<ListedMessage>,
    pub(super) total: usize,
}

/// The body of `POST /group`.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "项目组", "description": "可选", "avatar": ""}))]
pub(super) struct GroupBody {
    #[schema(required, value_type = String, min_length = 1, max_length = 100)]
    pub(super) name: Option<String>,
    #[schema(max_length = 500)]
    pub(super) description: Option<String>,
    /// Optional.
    #[schema(max_length = 500)]
    pub(super) avatar: Option<String>,
}

/// A new group.
#[derive(Serialize, ToSchema)]
pub(super) struct Group {
    group_id: String,
    name: String,
    description: String,
    avatar: String,
    creator_id: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl Group {
    pub(super) fn new(
        made: &NewGroup,
        name: &RoomName,
        description: &Description,
        avatar: &str,
        creator: UserId,
    ) -> Self {
        Self {
            group_id: made.id.to_string(),
            name: name.as_str().to_owned(),
            description: description.as_str().to_owned(),
            avatar: avatar.to_owned(),
            creator_id: creator.to_string(),
            created_at: utc_seconds(made.created_at_ms),
        }
    }
}

/// The body of `POST /group/{group_id}/members`.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user_id": "2"}))]
pub(super) struct MemberBody {
    #[schema(required, value_type = String, min_length = 1)]
    pub(super) user_id: Option<String>,
}

/// An added member.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedMember {
    pub(super) group_id: String,
    pub(super) user_id: String,
}
