//! The history checker: compares what clients were acknowledged and pushed with what is stored. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::UNIX_EPOCH;

use chinwag::domain::EntryId;

use super::amended::{Amended, count_amended};

/// A room's number.
pub type Room = u32;

/// A message as a client received it: its entry and the first word of its text, which identifies the send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub place: EntryId,
    pub text: String,
    /// How and when it came, for those who look for the cause of a defect.
    pub how: String,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub place: EntryId,
    pub text: String,
    /// CreatedGroup by the sender. The same for each attempt.
    pub client_id: String,
}

/// A send that was acknowledged to its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub room: Room,
    pub client_id: String,
    pub place: EntryId,
}

/// The messages that a member received from a room, in this order, without duplicates.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub reader: String,
    pub room: Room,
    pub messages: Vec<Seen>,
}

/// Everything that happened in a round.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The stored messages of the rooms at the end, oldest first.
    pub truth: BTreeMap<Room, Vec<Stored>>,
    pub acknowledged: Vec<Acknowledged>,
    /// One entry for every member of every room, even if it received nothing.
    pub received: Vec<Received>,
    /// What happened to the messages afterwards.
    pub amended: Amended,
}

/// How often each promise was broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged but not stored at the acknowledged entry.
    pub lost: usize,
    /// Stored more than once for one client id.
    pub duplicated: usize,
    /// Received after a message that follows it in the room.
    pub reordered: usize,
    /// Received but not stored, or stored with another text.
    pub never_stored: usize,
    /// Stored but never received by a member.
    pub missed: usize,
    /// An edit, a reaction or a pin that was acknowledged but is not stored.
    pub undone: usize,
    /// A message that reads otherwise at a client, in the end, than it is stored.
    pub diverged: usize,
    /// An older text that a client was shown after a newer one.
    pub outdated: usize,
    /// A mention that was not stored, not told, or not counted.
    pub unmentioned: usize,
    /// Descriptions of the first few of each kind.
    pub examples: Vec<String>,
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        let Self { lost, duplicated, reordered, never_stored, missed, .. } = self;
        let Self { undone, diverged, outdated, unmentioned, .. } = self;
        [lost, duplicated, reordered, never_stored, missed, undone, diverged, outdated, unmentioned] == [&0; 9]
    }

    /// Describes the latest of a kind that was counted `count` times.
    pub fn note(&mut self, count: usize, example: impl FnOnce() -> String) {
        const SHOWN: usize = 10;
        if count <= SHOWN {
            self.examples.push(example());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, duplicated, reordered, never_stored, missed, .. } = self;
        let Self { undone, diverged, outdated, unmentioned, examples, .. } = self;
        write!(f, "lost {lost}, duplicated {duplicated}, reordered {reordered}, ")?;
        write!(f, "never stored {never_stored}, missed {missed}, ")?;
        write!(f, "undone {undone}, diverged {diverged}, outdated {outdated}, unmentioned {unmentioned}")?;
        examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}

/// The time in the same unit as that of entries.
pub fn now_ms() -> u128 {
    UNIX_EPOCH.elapsed().expect("after 1970").as_millis()
}

/// Judges a history.
pub fn check(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    let nothing = Vec::new();
    for (room, truth) in &history.truth {
        count_duplicated(*room, truth, &mut verdict);
    }
    for sent in &history.acknowledged {
        let truth = history.truth.get(&sent.room).unwrap_or(&nothing);
        if !truth.iter().any(|it| it.place == sent.place && it.client_id == sent.client_id) {
            verdict.lost += 1;
            verdict.note(verdict.lost, || {
                format!("room {}: {} was acknowledged at {}", sent.room, sent.client_id, sent.place)
            });
        }
    }
    for received in &history.received {
        let truth = history.truth.get(&received.room).unwrap_or(&nothing);
        count_received(received, truth, &mut verdict);
    }
    count_amended(&history.amended, &mut verdict);
    verdict
}

fn count_duplicated(room: Room, truth: &[Stored], verdict: &mut Verdict) {
    let mut first: HashMap<&str, EntryId> = HashMap::new();
    for message in truth {
        if let Some(before) = first.insert(&message.client_id, message.place) {
            verdict.duplicated += 1;
            verdict.note(verdict.duplicated, || {
                format!("room {room}: {} is at {before} and {}", message.client_id, message.place)
            });
        }
    }
}

fn count_received(received: &Received, truth: &[Stored], verdict: &mut Verdict) {
    let Received { reader, room, messages } = received;
    let stored: HashMap<EntryId, &str> = truth.iter().map(|it| (it.place, it.text.as_str())).collect();
    for message in messages {
        if stored.get(&message.place) != Some(&message.text.as_str()) {
            verdict.never_stored += 1;
            verdict.note(verdict.never_stored, || {
                format!("room {room}: {reader} got {} {}, not stored", message.place, message.text)
            });
        }
    }
    for (index, pair) in messages.windows(2).enumerate() {
        if pair[1].place <= pair[0].place {
            verdict.reordered += 1;
            verdict.note(verdict.reordered, || {
                let (wrong, before, around) = (pair[1].place, pair[0].place, around(messages, index));
                format!("room {room}: {reader} got {wrong} behind {before}{around}")
            });
        }
    }
    let received: HashSet<EntryId> = messages.iter().map(|message| message.place).collect();
    for message in truth.iter().filter(|message| !received.contains(&message.place)) {
        verdict.missed += 1;
        verdict.note(verdict.missed, || format!("room {room}: {reader} never got {} {}", message.place, message.text));
    }
}

/// The messages before and behind a pair that is out of order, and how they came.
fn around(messages: &[Seen], index: usize) -> String {
    const EACH_WAY: usize = 5;
    let near = &messages[index.saturating_sub(EACH_WAY)..messages.len().min(index + 2 + EACH_WAY)];
    near.iter().map(|Seen { place, text, how }| format!("\n    {place} {text}: {how}")).collect()
}
