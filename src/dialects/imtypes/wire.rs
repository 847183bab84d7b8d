//! `imtypes.Message` as the server sends it, with all fields that apply.

use serde::Serialize;

use crate::dialects::common::{content, utc_millis, utc_seconds};
use crate::domain::{Message, MessageKind, UserId};
use crate::edge::json;
use crate::fanout::Frame;

/// The fields before the receiver's id.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    content: &'a str,
    sender_id: String,
}

/// The fields after the receiver's id.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
    conversation_id: String,
    /// With `?ext=1`, in the push to the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    /// With `?ext=1`: the resume token.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<String>,
}

/// A frame without the receiver.
#[derive(Default)]
pub(super) struct Flat<'a> {
    pub(super) id: String,
    pub(super) kind: &'a str,
    pub(super) content: &'a str,
    pub(super) sender: Option<UserId>,
    pub(super) at_ms: u64,
    pub(super) file_name: Option<&'a str>,
    pub(super) file_size: Option<u64>,
    pub(super) conversation_id: String,
    pub(super) resume: Option<String>,
    pub(super) has_millis: bool,
}

impl Flat<'_> {
    fn head(&self) -> String {
        let sender_id = self.sender.unwrap_or(UserId::SERVER).to_string();
        let mut head = json(&Head { id: self.id.clone(), kind: self.kind, content: self.content, sender_id });
        head.pop(); // the object continues
        head.push_str(r#","receiverId":""#);
        head
    }

    fn rest(&self, client_id: Option<&str>) -> String {
        let timestamp = if self.has_millis { utc_millis(self.at_ms) } else { utc_seconds(self.at_ms) };
        let rest = json(&Rest {
            timestamp,
            file_name: self.file_name,
            file_size: self.file_size,
            conversation_id: self.conversation_id.clone(),
            client_id,
            resume: self.resume.clone(),
        });
        format!("\",{}", &rest[1..])
    }

    /// Prints a frame for all viewers. Only the sender sees the client id.
    pub(super) fn frame(&self, own: Option<(UserId, &str)>) -> Frame {
        let own = own.map(|(user, client_id)| (user, self.rest(Some(client_id))));
        Frame::PerViewer { before: self.head(), after: self.rest(None), own }
    }

    /// Prints a frame for one viewer.
    pub(super) fn print(&self, viewer: UserId) -> String {
        format!("{}{viewer}{}", self.head(), self.rest(None))
    }
}

/// Prints a message as a frame.
pub(super) fn message_frame(message: &Message, is_extended: bool, base_url: &str) -> Frame {
    let file = message.attachment.as_ref();
    let content = content(message, base_url);
    let flat = Flat {
        id: message.id.to_integer().to_string(),
        kind: kind_word(message.kind),
        content: &content,
        sender: Some(message.sender.id),
        at_ms: message.id.entry.at_ms,
        file_name: file.and_then(|file| file.name.as_deref()),
        file_size: file.and_then(|file| file.size),
        conversation_id: message.id.room.to_string(),
        resume: is_extended.then(|| message.id.entry.to_string()),
        has_millis: is_extended,
    };
    let own = message.client_id.as_deref().filter(|_| is_extended).map(|id| (message.sender.id, id));
    flat.frame(own)
}

/// The name of a kind. Audio and video, which this document lacks, are files.
fn kind_word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::Image => "image",
        MessageKind::File | MessageKind::Audio | MessageKind::Video => "file",
        MessageKind::Emoji => "emoji",
        MessageKind::System => "system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_json_with_the_viewer_inside() {
        let flat = Flat { kind: "text", content: "\"hi\"", ..Flat::default() };
        let value: serde_json::Value = serde_json::from_str(&flat.print(UserId(7))).expect("JSON");
        assert_eq!((&value["receiverId"], &value["content"]), (&"7".into(), &"\"hi\"".into()));
    }
}
