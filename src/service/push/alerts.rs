//! The bounded queue of messages that need push notifications.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::domain::{Message, MessageKind, RoomKind, UserId};
use crate::metrics::{Count, Metrics};
use crate::store::{Appended, AppendedRoom, PushOccasion};

/// Capacity of the queue. Further messages notify nobody.
const MAX_WAITING: usize = 1024;
/// Characters of a message that a notification shows.
const MAX_CHARS: usize = 200;
/// Every notification is padded to this length, so that a push service learns nothing from it.
pub(super) const PADDED_BYTES: usize = 1536;

/// Who is to be notified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipients {
    Users(Vec<UserId>),
    /// All members of the room.
    Members,
}

/// A message of which users are to be notified.
#[derive(Debug)]
pub struct Alert {
    pub(super) occasion: PushOccasion,
    pub(super) recipients: Recipients,
    pub(super) payload: String,
}

impl Alert {
    /// The alert of a stored message; `None` when it is neither direct nor mentions another user.
    fn of(message: &Message, room: &AppendedRoom) -> Option<Self> {
        let sender = message.sender.id;
        let recipients = match (room.head.kind, &message.mentions) {
            (RoomKind::Direct, _) => Recipients::Users(vec![room.head.other(sender)?]),
            (RoomKind::Public | RoomKind::Group, None) => return None,
            (RoomKind::Public | RoomKind::Group, Some(mentions)) if mentions.everyone.is_some() => Recipients::Members,
            (RoomKind::Public | RoomKind::Group, Some(mentions)) => {
                Recipients::Users(mentions.users.iter().map(|user| user.id).filter(|user| *user != sender).collect())
            }
        };
        if recipients == Recipients::Users(Vec::new()) {
            return None;
        }
        let occasion = PushOccasion { room: room.head.id, sender, is_mention: message.mentions.is_some() };
        Some(Self { occasion, recipients, payload: payload(message, room) })
    }
}

/// The end of the queue that takes alerts.
#[derive(Clone)]
pub struct Alerts {
    queue: mpsc::Sender<Alert>,
    metrics: Arc<Metrics>,
}

impl Alerts {
    /// Creates the queue. Once the receiver is dropped, it accepts no alerts.
    pub fn queue(metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Alert>) {
        let (queue, alerts) = mpsc::channel(MAX_WAITING);
        (Self { queue, metrics }, alerts)
    }

    /// Queues a stored message if users may have to be notified. Never waits: when the queue is full, the message is
    /// dropped.
    pub(in crate::service) fn offer(&self, appended: &Appended) {
        let Some(room) = appended.room.as_ref().filter(|_| !self.queue.is_closed()) else { return };
        let Some(alert) = Alert::of(&appended.message, room) else { return };
        match self.queue.try_send(alert) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => self.metrics.count(Count::PushesDropped),
        }
    }
}

/// What the browser receives: the content of the notification, and the link that it opens.
fn payload(message: &Message, room: &AppendedRoom) -> String {
    let mut chars = MAX_CHARS;
    loop {
        let text: String = message.text.chars().take(chars).collect();
        let file = message.attachment.as_ref().map(|file| file.name.as_deref().unwrap_or_default());
        let payload = json!({
            "room": room.head.id.number(),
            "id": message.id.to_integer(),
            "direct": room.head.kind == RoomKind::Direct,
            "from": message.sender.name,
            "name": room.name,
            "kind": word(message.kind),
            "text": file.map_or(text, |name| name.chars().take(chars).collect()),
        });
        let payload = payload.to_string();
        // Characters that JSON has to spell out take six bytes each.
        if payload.len() <= PADDED_BYTES || chars == 0 {
            return payload;
        }
        chars /= 2;
    }
}

fn word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::Image => "image",
        MessageKind::File => "file",
        MessageKind::Audio => "audio",
        MessageKind::Video => "video",
        MessageKind::Emoji => "emoji",
        MessageKind::System => "system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryId, Mentions, MessageId, RoomHead, RoomId, Seq, UserRef};

    fn user(id: u64) -> UserRef {
        UserRef { id: UserId(id), name: format!("user {id}") }
    }

    fn appended(kind: RoomKind, text: &str, mentions: Option<Mentions>) -> Appended {
        let id = RoomId::new(7).expect("a number");
        let message = Message {
            id: MessageId { room: id, entry: EntryId { seq: Seq(1), at_ms: 1 } },
            sender: user(3),
            kind: MessageKind::Text,
            text: text.to_owned(),
            attachment: None,
            reply_to: None,
            client_id: None,
            notice: None,
            edited_at_ms: None,
            reactions: None,
            pin: None,
            mentions_changed_at_ms: None,
            mentions: mentions.map(Box::new),
            forwarded_from: None,
        };
        let pair = (kind == RoomKind::Direct).then_some((UserId(3), UserId(4)));
        let room = AppendedRoom { head: RoomHead { id, kind, pair }, name: "Team".to_owned() };
        Appended::new(message, Some(room))
    }

    fn recipients(kind: RoomKind, mentions: Option<Mentions>) -> Option<Recipients> {
        let appended = appended(kind, "hello", mentions);
        Alert::of(&appended.message, appended.room.as_ref().expect("a room")).map(|alert| alert.recipients)
    }

    #[test]
    fn the_other_of_two_and_those_who_are_mentioned_are_notified() {
        let named = |ids: &[u64]| Mentions { users: ids.iter().copied().map(user).collect(), everyone: None };
        let all = Mentions { users: Vec::new(), everyone: Some("all".to_owned()) };
        let users = |ids: &[u64]| Some(Recipients::Users(ids.iter().copied().map(UserId).collect()));
        assert_eq!(recipients(RoomKind::Direct, None), users(&[4]));
        assert_eq!(recipients(RoomKind::Group, None), None);
        assert_eq!(recipients(RoomKind::Group, Some(named(&[3, 5]))), users(&[5]));
        assert_eq!(recipients(RoomKind::Public, Some(named(&[3]))), None, "the sender alone");
        assert_eq!(recipients(RoomKind::Public, Some(all)), Some(Recipients::Members));
    }

    #[test]
    fn a_payload_fits_whatever_the_text_is() {
        for text in ["字", "\u{1}", "😀", "a"] {
            let appended = appended(RoomKind::Direct, &text.repeat(5000), None);
            let payload = payload(&appended.message, appended.room.as_ref().expect("a room"));
            assert!(payload.len() <= PADDED_BYTES, "{text:?}: {}", payload.len());
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let metrics = Arc::new(Metrics::new(&[], &[]));
        let (alerts, waiting) = Alerts::queue(Arc::clone(&metrics));
        for _ in 0..MAX_WAITING + 3 {
            alerts.offer(&appended(RoomKind::Direct, "hello", None));
        }
        assert_eq!(waiting.len(), MAX_WAITING);
        assert!(metrics.render().contains("\nchinwag_pushes_dropped_total 3\n"));
    }
}
