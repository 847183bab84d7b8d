//! Changes of messages as a client requests them: each with a `ref`, again and again until it is answered by `done`.

use std::collections::{BTreeMap, HashSet};

use chinwag::domain::{EntryId, MessageId, RoomId, Seq};
use serde_json::{Value, json};

use super::amended::{Change, Changed, Part};
use super::checker::{Acknowledged, Room};
use super::random::Random;
use super::readings::{Reading, edited_text};

const EMOJI: [&str; 3] = ["👍", "🎉", "🚀"];
/// The maximum number of changes in flight.
const MAX_PENDING: usize = 3;
/// A user changes some of their latest messages, and reacts to some of the latest of a room.
const LATEST: usize = 10;

/// What a user may change, and whom they may mention.
#[derive(Clone, Debug, Default)]
pub struct Amending {
    /// The number of the user.
    pub user: u64,
    /// The rooms in which the user may pin messages.
    pub pins_in: Vec<Room>,
    /// The other members of each room, by name.
    pub names: BTreeMap<Room, Vec<(String, u64)>>,
}

/// A change without an answer.
struct PendingChange {
    reference: String,
    id: u64,
    changed: Changed,
}

impl PendingChange {
    fn frame(&self) -> Value {
        let (room, id, reference) = (self.changed.room, self.id, &self.reference);
        let mut payload = json!({"room_id": room, "id": id, "ref": reference});
        let kind = match &self.changed.change {
            Change::Edit(text) => {
                payload["content"] = json!(text);
                "edit_message"
            }
            Change::React { emoji, is_on } => {
                (payload["emoji"], payload["on"]) = (json!(emoji), json!(is_on));
                "react"
            }
            Change::Pin(is_on) => {
                payload["on"] = json!(is_on);
                "pin"
            }
        };
        json!({"type": kind, "payload": payload})
    }
}

/// The changes of one user.
#[derive(Default)]
pub struct Changes {
    user: u64,
    asked: u64,
    pending: Vec<PendingChange>,
    acknowledged: Vec<Changed>,
    /// What is not changed any more, because the outcome of an attempt is unknown: a node that was suspended may do it after
    /// later changes.
    closed: HashSet<(Room, Seq, Part)>,
}

impl Changes {
    pub fn new(user: u64) -> Self {
        Self { user, ..Self::default() }
    }

    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// All changes that were asked for, in this order but for those of unknown outcome.
    pub fn into_changed(self) -> Vec<Changed> {
        let unknown = self.pending.into_iter().map(|pending| pending.changed);
        self.acknowledged.into_iter().chain(unknown).collect()
    }

    /// The frames of all pending changes, to be sent again.
    pub fn retries(&mut self) -> Vec<Value> {
        self.closed.extend(self.pending.iter().map(|pending| pending.changed.subject()));
        self.pending.iter().map(PendingChange::frame).collect()
    }

    /// Handles the answer to a change.
    pub fn take(&mut self, frame: &Value) {
        let reference = &frame["payload"]["ref"];
        let Some(index) = self.pending.iter().position(|pending| *reference == *pending.reference) else { return };
        match frame["type"].as_str() {
            Some("done") => {
                let PendingChange { changed, .. } = self.pending.remove(index);
                self.acknowledged.push(Changed { is_acknowledged: true, ..changed });
            }
            Some("error") => {
                let code = frame["payload"]["code"].as_str().expect("a code");
                assert!(["rate_limited", "unavailable"].contains(&code), "{frame}");
            }
            _ => {}
        }
    }

    /// Asks for a change of one of the user's own messages, or reacts to one of a room. `None` if there is nothing to change.
    pub fn ask(
        &mut self,
        random: &mut Random,
        own: &[Acknowledged],
        (room, shown): (Room, &BTreeMap<Seq, Reading>),
        pins_in: &[Room],
    ) -> Option<Value> {
        if self.pending.len() >= MAX_PENDING {
            return None;
        }
        self.asked += 1;
        let latest = &own[own.len().saturating_sub(LATEST)..];
        let own = (!latest.is_empty()).then(|| random.pick(latest));
        let (room, seq, change) = match (random.between(0, 10), own) {
            (0..4, Some(own)) => (own.room, own.place.seq, Change::Edit(edited_text(&own.client_id, self.asked))),
            (4..6, Some(own)) if pins_in.contains(&own.room) => {
                (own.room, own.place.seq, Change::Pin(random.is_hit(60)))
            }
            _ => {
                let seqs: Vec<Seq> = shown.keys().rev().take(LATEST).copied().collect();
                let seq = *seqs.get(random.between(0, LATEST as u64) as usize)?;
                (
                    room,
                    seq,
                    Change::React {
                        emoji: EMOJI[random.between(0, EMOJI.len() as u64) as usize],
                        is_on: random.is_hit(60),
                    },
                )
            }
        };
        let changed = Changed { user: self.user, room, seq, change, is_acknowledged: false };
        let subject = changed.subject();
        if self.closed.contains(&subject) || self.pending.iter().any(|it| it.changed.subject() == subject) {
            return None;
        }
        let id = MessageId { room: RoomId::new(room)?, entry: EntryId { seq, at_ms: 0 } }.to_integer();
        let pending = PendingChange { reference: format!("change {}", self.asked), id, changed };
        let frame = pending.frame();
        self.pending.push(pending);
        Some(frame)
    }
}
