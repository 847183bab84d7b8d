//! The record of a message: its form in the stream and on the room's channel.
//!
//! A record is one text, the only field of a stream entry: the sender's number, which scripts check, a space, and JSON with
//! short keys. Nodes read records of the previous version and ignore unknown keys, so that two versions can run side by
//! side during a rolling upgrade.

use std::borrow::Cow;
use std::io::Write;

use serde::{Deserialize, Serialize};

use super::notice_record::NoticeRecord;
use crate::domain::{
    Attachment, Caller, EntryId, Error, Mentions, Message, MessageId, MessageKind, NewMessage, Notice, Origin, Result,
    RoomId, SYSTEM_NAME, UserId, UserRef,
};

/// The version that this code writes.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    /// Version.
    v: u8,
    /// Kind, one letter.
    k: char,
    /// The sender's name at the time of sending.
    #[serde(borrow)]
    n: Cow<'a, str>,
    /// Text.
    #[serde(borrow)]
    t: Cow<'a, str>,
    /// Entry id of the message that is replied to.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    re: Option<Cow<'a, str>>,
    /// The file.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    f: Option<FileRecord<'a>>,
    /// The id that the sender assigned.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    c: Option<Cow<'a, str>>,
    /// The change of membership that this reports.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    m: Option<NoticeRecord<'a>>,
    /// The message of which this is a copy.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    fw: Option<OriginRecord<'a>>,
    /// Users whom the message mentions, 0 for all members. `mentions.lua` writes this and the next.
    #[serde(skip_serializing, default)]
    at: Vec<u64>,
    /// Their names as the text has them.
    #[serde(rename = "as", skip_serializing, default)]
    names: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct OriginRecord<'a> {
    /// Number of the room.
    r: u32,
    /// Entry id.
    #[serde(borrow)]
    e: Cow<'a, str>,
    /// Its sender.
    u: u64,
    /// The sender's name.
    #[serde(borrow)]
    n: Cow<'a, str>,
}

impl<'a> From<&'a Origin> for OriginRecord<'a> {
    fn from(Origin { message, sender }: &'a Origin) -> Self {
        let entry = message.entry.to_string().into();
        Self { r: message.room.number(), e: entry, u: sender.id.0, n: sender.name.as_str().into() }
    }
}

impl OriginRecord<'_> {
    fn into_origin(self) -> Option<Origin> {
        let message = MessageId { room: RoomId::new(self.r)?, entry: EntryId::parse(&self.e)? };
        Some(Origin { message, sender: UserRef { id: UserId(self.u), name: self.n.into_owned() } })
    }
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
    /// An upload of this server that was given with a host.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    h: bool,
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
        h: file.has_host,
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
        fw: message.forwarded_from.as_ref().map(OriginRecord::from),
        at: Vec::new(),
        names: Vec::new(),
    };
    print(sender.id, &record)
}

/// Encodes a system message about a change of membership.
pub(super) fn encode_notice(notice: &Notice) -> Result<String> {
    let record = Record {
        v: VERSION,
        k: letter(MessageKind::System),
        n: SYSTEM_NAME.into(),
        t: notice.text().into(),
        re: None,
        f: None,
        c: None,
        m: Some(notice.into()),
        fw: None,
        at: Vec::new(),
        names: Vec::new(),
    };
    print(UserId::SERVER, &record)
}

/// Whether the server sent the message, without decoding its record.
pub(super) fn is_from_server(record: &str) -> bool {
    record.starts_with("0 ")
}

fn print(sender: UserId, record: &Record<'_>) -> Result<String> {
    let mut text = Vec::with_capacity(64 + record.t.len());
    write!(text, "{sender} ").and_then(|()| Ok(serde_json::to_writer(&mut text, record)?)).map_err(Error::internal)?;
    String::from_utf8(text).map_err(Error::internal)
}

/// Decodes the record of the message at `entry` of `room`.
///
/// # Errors
/// `Internal` for a malformed record.
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
        has_host: file.h,
        is_own_upload: file.own,
    });
    Ok(Message {
        id: MessageId { room, entry },
        sender: UserRef { id: sender, name: record.n.into_owned() },
        kind,
        text: record.t.into_owned(),
        attachment,
        reply_to: reply_to.map(|entry| MessageId { room, entry }),
        client_id: record.c.map(Cow::into_owned),
        notice: record.m.and_then(NoticeRecord::into_notice),
        edited_at_ms: None,
        reactions: None,
        pin: None,
        mentions_changed_at_ms: None,
        forwarded_from: record.fw.and_then(OriginRecord::into_origin).map(Box::new),
        mentions: mentions_of(record.at.into_iter().map(UserId).zip(record.names)),
    })
}

/// The mentions of users, of which 0 stands for all members, by the names in the text.
pub(super) fn mentions_of(named: impl Iterator<Item = (UserId, String)>) -> Option<Box<Mentions>> {
    let mut mentions = Mentions::default();
    for (id, name) in named {
        match id {
            UserId::SERVER => mentions.everyone = Some(name),
            id => mentions.users.push(UserRef { id, name }),
        }
    }
    (mentions != Mentions::default()).then(|| Box::new(mentions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Content, NoticeKind, Seq};

    #[test]
    fn a_message_round_trips() {
        let entry = EntryId { seq: Seq(9), at_ms: 1_700_000_000_000 };
        let text = Content::parse("发送了文件: \"a\".png".to_owned()).expect("valid");
        let file = Attachment {
            url: "/uploads/chat/x.png".to_owned(),
            name: Some("a.png".to_owned()),
            size: Some(3),
            pixels: Some((4, 5)),
            has_host: false,
            is_own_upload: true,
        };
        let new = NewMessage::new(MessageKind::Image, text)
            .with_attachment(Some(file))
            .replying_to(Some(EntryId { seq: Seq(8), at_ms: 1 }));
        let caller = Caller { id: UserId(3), name: "张三".to_owned(), logged_in_at_secs: 0 };
        let stored = encode(&new, &caller).expect("encodes");
        let message = decode(RoomId::GLOBAL, entry, &stored).expect("decodes");
        assert_eq!(message.attachment, new.attachment);
        assert_eq!(message.sender, UserRef { id: UserId(3), name: "张三".to_owned() });
        assert_eq!(message.text, new.text.as_str());
        assert_eq!(message.reply_to.map(|id| id.entry), new.reply_to);
        // Nodes of the previous version read exactly this.
        let literal = concat!(
            r#"3 {"v":1,"k":"i","n":"张三","t":"发送了文件: \"a\".png","re":"8-1","#,
            r#""f":{"u":"/uploads/chat/x.png","n":"a.png","b":3,"px":[4,5],"own":true}}"#
        );
        assert_eq!(stored, literal);
    }

    #[test]
    fn a_record_of_a_newer_node_is_read() {
        let entry = EntryId { seq: Seq(1), at_ms: 1 };
        let record = r#"1 {"v":2,"k":"t","n":"a","t":"b","zz":[1,2]}"#;
        assert!(decode(RoomId::GLOBAL, entry, record).is_ok());
    }

    #[test]
    fn a_forwarded_message_names_its_origin() {
        let entry = EntryId { seq: Seq(9), at_ms: 7 };
        let origin = Message {
            sender: user(4, "李"),
            ..decode(RoomId::GLOBAL, entry, r#"4 {"v":1,"k":"s","n":"a","t":"b"}"#).expect("decodes")
        };
        let text = Content::parse("instead".to_owned()).expect("valid");
        let new = NewMessage::new(MessageKind::Text, text).forwarding(origin).expect("forwards");
        let caller = Caller { id: UserId(3), name: "a".to_owned(), logged_in_at_secs: 0 };
        let stored = encode(&new, &caller).expect("encodes");
        assert_eq!(stored, r#"3 {"v":1,"k":"t","n":"a","t":"b","fw":{"r":1,"e":"9-7","u":4,"n":"李"}}"#);
        let message = decode(RoomId::GLOBAL, EntryId { seq: Seq(10), at_ms: 8 }, &stored).expect("decodes");
        assert_eq!(message.forwarded_from.as_deref(), new.forwarded_from.as_ref());
        // The first origin stays.
        let again =
            NewMessage::new(MessageKind::Text, Content::parse("x".to_owned()).expect("valid")).forwarding(message);
        assert_eq!(again.expect("forwards").forwarded_from, new.forwarded_from);
    }

    #[test]
    fn mentions_are_read_as_scripts_write_them() {
        let entry = EntryId { seq: Seq(1), at_ms: 1 };
        let record = r#"1 {"v":1,"k":"t","n":"a","t":"@bob @all","at":[3,0],"as":["bob","all"]}"#;
        let mentions = decode(RoomId::GLOBAL, entry, record).expect("decodes").mentions.expect("some");
        assert_eq!((mentions.users, mentions.everyone.as_deref()), (vec![user(3, "bob")], Some("all")));
    }

    fn user(id: u64, name: &str) -> UserRef {
        UserRef { id: UserId(id), name: name.to_owned() }
    }

    fn notice_of(record: &str) -> Option<Notice> {
        let entry = EntryId { seq: Seq(1), at_ms: 1 };
        decode(RoomId::GLOBAL, entry, record).expect("decodes").notice
    }

    #[test]
    fn a_notice_is_stored_so_that_older_nodes_read_it() {
        let joined = Notice { kind: NoticeKind::Joined, actor: Some(user(3, "a")), user: user(3, "a") };
        let stored = encode_notice(&joined).expect("encodes");
        assert_eq!(stored, r#"0 {"v":1,"k":"s","n":"系统","t":"a 加入了聊天室","m":{"a":"+","u":3,"n":"a","k":"j"}}"#);
        assert_eq!(notice_of(&stored), Some(joined));

        let removed = Notice { kind: NoticeKind::Removed, actor: Some(user(3, "a")), user: user(4, "b") };
        let stored = encode_notice(&removed).expect("encodes");
        let text = r#"0 {"v":1,"k":"s","n":"系统","t":"a 将 b 移出了聊天室","m":{"a":"-","u":4,"n":"b","k":"r","by":{"u":3,"n":"a"}}}"#;
        assert_eq!(stored, text);
        assert_eq!(notice_of(&stored), Some(removed));
    }

    #[test]
    fn a_notice_of_an_older_node_tells_the_change_alone() {
        let added = notice_of(r#"0 {"v":1,"k":"s","n":"系统","t":"x","m":{"a":"+","u":4,"n":"b"}}"#).expect("a notice");
        assert!(added.kind.is_member_after());
        assert_eq!((added.actor, added.user), (None, user(4, "b")));
        let unknown = notice_of(r#"0 {"v":2,"k":"s","n":"系统","t":"x","m":{"a":"-","u":4,"n":"b","k":"z"}}"#);
        assert!(unknown.is_some_and(|notice| notice.actor.is_none() && !notice.kind.is_member_after()));
    }
}
