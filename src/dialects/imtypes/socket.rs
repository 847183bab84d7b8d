//! The WebSocket of document 004, and what `?ext=1` adds.

use serde::Deserialize;

use super::wire::{Flat, message_frame};
use crate::config::Config;
use crate::domain::{
    Amendment, AmendmentKind, Attachment, ClientId, Content, EntryId, Error, Event, Field, MessageId, MessageKind,
    NewMessage, Result, RoomEvent, RoomId, Seq, UserId, now_ms,
};
use crate::edge::{Command, Refusal, Request, Resume, SocketCodec, SocketRoute, Subject, Viewer, read_frame};
use crate::fanout::{Frame, ResumeReplies, Style};
use crate::service::Receiver;

const CODEC: SocketCodec = SocketCodec {
    name: "imtypes",
    has_extension: true,
    decode,
    encode,
    encode_own: |_, _| None,
    answer: |_, _, _| None,
    refuse,
    resume_replies,
    resumes: |query| Resume::since(query, |conversation| conversation.parse().ok()),
};

/// Claims handshakes with the token in the query.
pub(super) fn routes(config: &Config) -> Vec<SocketRoute> {
    let route = |path| SocketRoute { path, claims: |credentials| credentials.query.is_some(), codec: CODEC };
    super::paths(config).into_iter().map(route).collect()
}

/// `imtypes.Message` from a client. The server sets `senderId` and `timestamp` itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InboundMessage {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    content: Option<String>,
    receiver_id: Option<String>,
    file_name: Option<String>,
    file_size: Option<u64>,
    conversation_id: Option<String>,
}

fn decode(text: &str, viewer: &Viewer) -> Result<Request, Refusal> {
    let inbound: InboundMessage = read_frame(text)?;
    let client_id = inbound.id.clone();
    let room = [&inbound.conversation_id, &inbound.receiver_id].into_iter().flatten().find_map(|id| id.parse().ok());
    let command = match inbound.kind.as_str() {
        "typing_indicator" if viewer.is_extended => room_of(&inbound).map(Command::Type),
        "read_receipt" if viewer.is_extended => read_receipt(&inbound),
        _ => send(inbound),
    };
    command.map(Request::from).map_err(|error| {
        let subject = Subject { client_id, room, reference: None };
        Refusal { error, subject }
    })
}

/// Parses a receiver: digits only are a user, anything else is a room.
fn receiver(text: &str) -> Result<Receiver> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(|user| Receiver::User(UserId(user))).map_err(|_| Error::UserNotFound);
    }
    text.parse().map(Receiver::Room).map_err(|_| Error::RoomNotFound)
}

fn send(inbound: InboundMessage) -> Result<Command> {
    let kind = match inbound.kind.as_str() {
        "text" => MessageKind::Text,
        "image" => MessageKind::Image,
        "file" | "audio" | "video" => MessageKind::File,
        "emoji" => MessageKind::Emoji,
        _ => return Err(Error::Invalid(Field::MessageType)),
    };
    let to = receiver(inbound.receiver_id.as_deref().ok_or(Error::Missing(Field::Receiver))?)?;
    let expected_room = match inbound.conversation_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => Some(id.parse::<RoomId>().map_err(|_| Error::Invalid(Field::RoomId))?),
        None => None,
    };
    let expected_room = match (to, expected_room) {
        (Receiver::Room(room), Some(expected_room)) if room != expected_room => {
            return Err(Error::Invalid(Field::RoomId));
        }
        (Receiver::Room(_), _) => None,
        (Receiver::User(_), expected_room) => expected_room,
    };
    let text = Content::parse(inbound.content.ok_or(Error::Missing(Field::Content))?)?;
    let client_id = inbound.id.filter(|id| !id.is_empty()).map(|id| ClientId::parse(&id)).transpose()?;
    let attachment = Attachment::described(kind, &text, inbound.file_name, inbound.file_size);
    let message = NewMessage::new(kind, text).with_attachment(attachment).with_client_id(client_id);
    Ok(Command::Send { to, message: Box::new(message), reply_to: None, forwarded_from: None, expected_room })
}

fn room_of(inbound: &InboundMessage) -> Result<RoomId> {
    let id = inbound.conversation_id.as_deref().or(inbound.receiver_id.as_deref());
    id.and_then(|id| id.parse().ok()).ok_or(Error::RoomNotFound)
}

/// Parses a read receipt. `content` is the id of the last message read.
fn read_receipt(inbound: &InboundMessage) -> Result<Command> {
    let id = inbound.content.as_deref().and_then(|id| id.parse().ok()).and_then(MessageId::from_integer);
    let (room, seq) = id.ok_or(Error::MessageNotFound)?;
    if room == room_of(inbound)? { Ok(Command::MarkRead(room, seq)) } else { Err(Error::MessageNotFound) }
}

fn encode(event: &RoomEvent, style: Style<'_>) -> Option<Frame> {
    let room = event.room.id;
    let id = |seq: Seq| MessageId { room, entry: EntryId { seq, at_ms: 0 } }.to_integer().to_string();
    let flat = Flat { conversation_id: room.to_string(), at_ms: now_ms(), has_millis: true, ..Flat::default() };
    let flat = match &event.what {
        Event::Message(message) => return Some(message_frame(message, style.is_extended, style.base_url)),
        _ if !style.is_extended => return None,
        Event::Amended(Amendment { id: entry, by, what: AmendmentKind::Deleted, .. }) => {
            Flat { kind: "message_deleted", id: id(entry.seq), sender: Some(*by), ..flat }
        }
        Event::Read(read) => {
            let last = id(read.last);
            let receipt = Flat { kind: "read_receipt", content: &last, sender: Some(read.user), ..flat };
            return Some(Flat { at_ms: read.at_ms, ..receipt }.frame(None));
        }
        Event::Typing(user) => Flat { kind: "typing_indicator", sender: Some(user.id), ..flat },
        Event::Amended(_) | Event::Presence(_) | Event::RoomChanged { .. } | Event::RoomRemoved(_) => return None,
        Event::Rewound(_) => not_recovered(room),
    };
    Some(flat.frame(None))
}

/// Prints a refusal as a `system` frame.
fn refuse(refusal: &Refusal, viewer: &Viewer) -> String {
    let reason = reason(&refusal.error);
    let flat = Flat {
        id: refusal.subject.client_id.clone().unwrap_or_default(),
        kind: "system",
        content: &reason,
        at_ms: now_ms(),
        conversation_id: refusal.subject.room.map(|room| room.to_string()).unwrap_or_default(),
        has_millis: viewer.is_extended,
        ..Flat::default()
    };
    flat.print(viewer.user)
}

fn reason(error: &Error) -> String {
    let text = match error {
        Error::Malformed(_) => "消息格式不正确",
        Error::Missing(field) => return format!("缺少字段: {}", name(*field)),
        Error::Invalid(field) => return format!("字段无效: {}", name(*field)),
        Error::Length { field, min, max } => return format!("{} 的长度必须在 {min} 到 {max} 之间", name(*field)),
        Error::WeakPassword => "密码过于简单",
        Error::GlobalRoom => "不能离开全局聊天室",
        Error::DirectRoom => "不能给自己发送消息",
        Error::PermanentRoom => "不能删除该聊天室",
        Error::Unauthenticated | Error::BadCredentials => "token 无效或已过期",
        Error::WrongPassword => "密码错误",
        Error::Forbidden | Error::Removed => "没有执行该操作的权限",
        Error::Blocked => "对方已将你屏蔽",
        Error::Unacquainted => "只有与该用户同在一个聊天室的人才能邀请对方",
        Error::TooManyBlocked => "屏蔽的用户过多",
        Error::RoomNotFound => "会话不存在",
        Error::MessageNotFound => "消息不存在",
        Error::NotEditable => "无法编辑此消息",
        Error::AddressRefused => "服务器不向此地址发送请求",
        Error::TooManyReactions => "此消息的回应过多",
        Error::TooManyPins => "置顶消息过多",
        Error::TooLate => "消息发送已久，无法再编辑",
        Error::UserNotFound | Error::UserOffline => "用户不存在",
        Error::NotFound | Error::MethodNotAllowed => "请求的资源不存在",
        Error::RegistrationClosed => "注册已关闭",
        Error::InviteRequired => "注册需要邀请码",
        Error::InviteInvalid => "邀请码无效、已过期或已用完",
        Error::LinkInvalid => "邀请链接无效或已被撤销",
        Error::LinkExpired => "邀请链接已过期",
        Error::LinkUsedUp => "邀请链接的使用次数已用完",
        Error::TooManyLinks => "邀请链接过多",
        Error::NameTaken | Error::EmailTaken => "名称已被占用",
        Error::ClientIdReused => "该消息 id 已用于其他消息",
        Error::TooLarge { .. } => "消息过大",
        Error::UnsupportedType => "不支持的类型",
        Error::RateLimited { .. } => "发送过于频繁，请稍后再试",
        Error::TooManyRooms => "加入的聊天室数量已达上限",
        Error::SlowMode { .. } => "聊天室已开启慢速模式，请稍后再发",
        Error::Unavailable(_) => "服务暂时不可用，请稍后重试",
        Error::StorageFull => "服务器存储空间不足",
        Error::Internal(_) => "服务器内部错误",
    };
    text.to_owned()
}

/// The field's name in this document.
fn name(field: Field) -> &'static str {
    match field {
        Field::MessageType => "type",
        Field::ClientId => "id",
        Field::RoomId => "conversationId",
        Field::Receiver | Field::UserId => "receiverId",
        Field::FileName => "fileName",
        other => other.name(),
    }
}

fn resume_replies(room: RoomId, viewer: &Viewer) -> ResumeReplies {
    ResumeReplies { complete: None, lost: not_recovered(room).print(viewer.user) }
}

fn not_recovered(room: RoomId) -> Flat<'static> {
    let conversation_id = room.to_string();
    Flat { kind: "not_recovered", conversation_id, at_ms: now_ms(), has_millis: true, ..Flat::default() }
}
