//! The stored form of a message, in the stream and on the room's channel alike.
//!
//! One text, the only field of a stream entry: the sender's number (so that scripts can check it), a space,
//! JSON with short keys. A node reads the version before its own and ignores keys that it does not know, so
//! two versions run side by side during a rolling upgrade.

use std::borrow::Cow;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Attachment, Caller, Change, EntryId, Error, Message, MessageId, MessageKind, NewMessage, Result, RoomId, UserId,
    UserRef,
};

/// The version written.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    /// Version.
    v: u8,
    /// Kind, one letter.
    k: char,
    /// The sender's name at sending.
    #[serde(borrow)]
    n: Cow<'a, str>,
    /// Text.
    #[serde(borrow)]
    t: Cow<'a, str>,
    /// Entry id of the message that is answered.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    re: Option<Cow<'a, str>>,
    /// The file.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    f: Option<FileRecord<'a>>,
    /// The sender's own id.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    c: Option<Cow<'a, str>>,
    /// The change of membership that this tells.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    m: Option<ChangeRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ChangeRecord<'a> {
    /// `+` added, `-` removed.
    a: char,
    /// Who.
    u: u64,
    /// Their name.
    #[serde(borrow)]
    n: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct FileRecord<'a> {
    /// Address.
    #[serde(borrow)]
    u: Cow<'a, str>,
    /// Name.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    n: Option<Cow<'a, str>>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    b: Option<u64>,
    /// Width and height.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    px: Option<(u32, u32)>,
    /// Uploaded as this message.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    own: bool,
}

fn letter(kind: MessageKind) -> char {
    match kind {
        MessageKind::Text => 't',
        MessageKind::Image => 'i',
        MessageKind::File => 'f',
        MessageKind::Audio => 'a',
        MessageKind::Video => 'v',
        MessageKind::Emoji => 'e',
        MessageKind::System => 's',
    }
}

fn kind_of(letter: char) -> Option<MessageKind> {
    Some(match letter {
        't' => MessageKind::Text,
        'i' => MessageKind::Image,
        'f' => MessageKind::File,
        'a' => MessageKind::Audio,
        'v' => MessageKind::Video,
        'e' => MessageKind::Emoji,
        's' => MessageKind::System,
        _ => return None,
    })
}

/// Encodes a message that a user sends.
pub(super) fn encode(message: &NewMessage, sender: &Caller) -> Result<String> {
    let file = message.attachment.as_ref().map(|file| FileRecord {
        u: file.url.as_str().into(),
        n: file.name.as_deref().map(Cow::from),
        b: file.size,
        px: file.pixels,
        own: file.is_own_upload,
    });
    let record = Record {
        v: VERSION,
        k: letter(message.kind),
        n: sender.name.as_str().into(),
        t: message.text.as_str().into(),
        re: message.reply_to.map(|entry| entry.to_string().into()),
        f: file,
        c: message.client_id.as_ref().and_then(|id| id.own()).map(Cow::from),
        m: None,
    };
    print(sender.id, &record)
}

/// Encodes a message of the server itself, and the change of membership that it tells.
pub(super) fn encode_system(text: &str, change: Option<&Change>) -> Result<String> {
    let change = change.map(|change| {
        let (a, user) = match change {
            Change::Added(user) => ('+', user),
            Change::Removed(user) => ('-', user),
        };
        ChangeRecord { a, u: user.id.0, n: user.name.as_str().into() }
    });
    let name = crate::domain::SYSTEM_NAME.into();
    let kind = letter(MessageKind::System);
    let record = Record { v: VERSION, k: kind, n: name, t: text.into(), re: None, f: None, c: None, m: change };
    print(UserId::SERVER, &record)
}

/// Whether a record is the server's own, without decoding it.
pub(super) fn is_from_server(record: &str) -> bool {
    record.starts_with("0 ")
}

fn print(sender: UserId, record: &Record<'_>) -> Result<String> {
    let mut text = Vec::with_capacity(64 + record.t.len());
    write!(text, "{sender} ").and_then(|()| Ok(serde_json::to_writer(&mut text, record)?)).map_err(Error::internal)?;
    String::from_utf8(text).map_err(Error::internal)
}

/// Decodes a record back into the message at `entry` of `room`.
///
/// # Errors
/// `Internal` for a record that no supported version wrote.
pub(super) fn decode(room: RoomId, entry: EntryId, record: &str) -> Result<Message> {
    let (sender, record) = record.split_once(' ').ok_or_else(|| Error::internal("a record without a sender"))?;
    let sender = UserId(sender.parse().map_err(Error::internal)?);
    let record: Record<'_> = serde_json::from_str(record).map_err(Error::internal)?;
    let kind = kind_of(record.k).ok_or_else(|| Error::internal(format!("unknown kind {:?}", record.k)))?;
    let reply_to = record.re.and_then(|text| EntryId::parse(&text));
    let attachment = record.f.map(|file| Attachment {
        url: file.u.into_owned(),
        name: file.n.map(Cow::into_owned),
        size: file.b,
        pixels: file.px,
        is_own_upload: file.own,
    });
    let change = record.m.and_then(|change| {
        let user = UserRef { id: UserId(change.u), name: change.n.into_owned() };
        match change.a {
            '+' => Some(Change::Added(user)),
            '-' => Some(Change::Removed(user)),
            _ => None,
        }
    });
    Ok(Message {
        id: MessageId { room, entry },
        sender: UserRef { id: sender, name: record.n.into_owned() },
        kind,
        text: record.t.into_owned(),
        attachment,
        reply_to: reply_to.map(|entry| MessageId { room, entry }),
        client_id: record.c.map(Cow::into_owned),
        change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Content, Seq};

    #[test]
    fn a_message_round_trips() {
        let entry = EntryId { seq: Seq(9), at_ms: 1_700_000_000_000 };
        let new = NewMessage {
            kind: MessageKind::Image,
            text: Content::parse("发送了文件: \"a\".png".to_owned()).expect("valid"),
            attachment: Some(Attachment {
                url: "/uploads/chat/x.png".to_owned(),
                name: Some("a.png".to_owned()),
                size: Some(3),
                pixels: Some((4, 5)),
                is_own_upload: true,
            }),
            reply_to: Some(EntryId { seq: Seq(8), at_ms: 1 }),
            client_id: None,
            file_digest: None,
        };
        let caller = Caller { id: UserId(3), name: "张三".to_owned(), logged_in_at_secs: 0 };
        let stored = encode(&new, &caller).expect("encodes");
        let message = decode(RoomId::GLOBAL, entry, &stored).expect("decodes");
        assert_eq!(message.attachment, new.attachment);
        assert_eq!(message.sender, UserRef { id: UserId(3), name: "张三".to_owned() });
        assert_eq!(message.text, new.text.as_str());
        assert_eq!(message.reply_to.map(|id| id.entry), new.reply_to);
    }

    #[test]
    fn a_record_of_a_newer_node_is_read() {
        let entry = EntryId { seq: Seq(1), at_ms: 1 };
        let record = r#"1 {"v":2,"k":"t","n":"a","t":"b","zz":[1,2]}"#;
        assert!(decode(RoomId::GLOBAL, entry, record).is_ok());
    }
}
