//! What the checker says of changes of stored messages: edits, reactions, pins, and mentions. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chinwag::domain::Seq;

use super::checker::{Room, Verdict};
use super::readings::{Reading, Readings};

/// A change of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Edit(String),
    React { emoji: &'static str, is_on: bool },
    Pin(bool),
}

/// What a change is about. Only one user changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Text,
    Reaction(&'static str, u64),
    Pin,
}

/// A change that a user asked for.
#[derive(Clone, Debug)]
pub struct Changed {
    pub user: u64,
    pub room: Room,
    pub seq: Seq,
    pub change: Change,
    /// Otherwise it may or may not have been done, and at any time.
    pub is_acknowledged: bool,
}

impl Changed {
    pub fn subject(&self) -> (Room, Seq, Part) {
        let part = match self.change {
            Change::Edit(_) => Part::Text,
            Change::React { emoji, .. } => Part::Reaction(emoji, self.user),
            Change::Pin(_) => Part::Pin,
        };
        (self.room, self.seq, part)
    }

    /// Whether a message reads as after the change.
    fn holds(&self, reading: &Reading) -> bool {
        match &self.change {
            Change::Edit(text) => reading.text == *text,
            Change::React { emoji, is_on } => {
                reading.reactions.get(*emoji).is_some_and(|users| users.contains(&self.user)) == *is_on
            }
            Change::Pin(is_on) => reading.is_pinned == *is_on,
        }
    }
}

/// How a reader shows the messages of a room at the end.
#[derive(Clone, Debug)]
pub struct Shown {
    pub reader: String,
    pub room: Room,
    pub readings: Readings,
    /// For a document that shows no more of an amendment.
    pub is_text_alone: bool,
}

/// An acknowledged message that names a member.
#[derive(Clone, Debug)]
pub struct Named {
    pub room: Room,
    pub seq: Seq,
    pub user: u64,
}

/// The mentions of a user of which it was told in a room.
#[derive(Clone, Debug)]
pub struct Told {
    pub user: u64,
    pub room: Room,
    pub seqs: BTreeSet<Seq>,
}

/// How many unread mentions the server counts for a user who reads nothing.
#[derive(Clone, Debug)]
pub struct Counted {
    pub user: u64,
    pub room: Room,
    pub mentions: usize,
}

/// What happened to the messages of a round after they were sent.
#[derive(Clone, Debug, Default)]
pub struct Amended {
    /// How the messages read at the end, as they are stored.
    pub truth: BTreeMap<Room, BTreeMap<Seq, Reading>>,
    /// Those of one user in the order in which they were asked for.
    pub changed: Vec<Changed>,
    pub shown: Vec<Shown>,
    pub named: Vec<Named>,
    pub told: Vec<Told>,
    /// Pushed messages that were not followed by the event for the user whom they mention.
    pub untold: usize,
    pub counted: Vec<Counted>,
}

impl Amended {
    fn reading(&self, room: Room, seq: Seq) -> Option<&Reading> {
        self.truth.get(&room)?.get(&seq)
    }

    /// The messages of a room that mention a user.
    fn mentions(&self, room: Room, user: u64) -> impl Iterator<Item = Seq> {
        let of_room = self.truth.get(&room).into_iter().flatten();
        of_room.filter(move |(_, reading)| reading.mentions.contains(&user)).map(|(seq, _)| *seq)
    }
}

/// Judges what happened to messages after they were sent.
pub fn count_amended(amended: &Amended, verdict: &mut Verdict) {
    count_undone(amended, verdict);
    for shown in &amended.shown {
        count_diverged(shown, amended, verdict);
        verdict.outdated += shown.readings.outdated;
        if shown.readings.outdated > 0 {
            verdict.note(1, || format!("room {}: {} was shown an older text", shown.room, shown.reader));
        }
    }
    count_unmentioned(amended, verdict);
}

/// The changes of one part of a message: the last that was acknowledged, and those of unknown outcome.
#[derive(Default)]
struct Wanted<'a> {
    last: Option<&'a Changed>,
    unknown: Vec<&'a Changed>,
}

fn count_undone(amended: &Amended, verdict: &mut Verdict) {
    let mut wanted: HashMap<_, Wanted<'_>> = HashMap::new();
    for changed in &amended.changed {
        let of_part = wanted.entry(changed.subject()).or_default();
        if changed.is_acknowledged {
            of_part.last = Some(changed);
        } else {
            of_part.unknown.push(changed);
        }
    }
    for Wanted { last, unknown } in wanted.values() {
        let Some(last) = last else { continue };
        let reading = amended.reading(last.room, last.seq);
        if !std::iter::once(last).chain(unknown).any(|it| reading.is_some_and(|reading| it.holds(reading))) {
            verdict.undone += 1;
            verdict.note(verdict.undone, || format!("{last:?} was acknowledged, stored is {reading:?}"));
        }
    }
}

fn count_diverged(shown: &Shown, amended: &Amended, verdict: &mut Verdict) {
    for (seq, reading) in &shown.readings.by_seq {
        let Some(stored) = amended.reading(shown.room, *seq) else { continue };
        let is_same = if shown.is_text_alone { reading.text == stored.text } else { reading == stored };
        if !is_same {
            verdict.diverged += 1;
            let (room, reader) = (shown.room, &shown.reader);
            verdict.note(verdict.diverged, || format!("room {room}: {reader} shows {reading:?}, stored is {stored:?}"));
        }
    }
}

fn count_unmentioned(amended: &Amended, verdict: &mut Verdict) {
    verdict.unmentioned += amended.untold;
    for named @ Named { room, seq, user } in &amended.named {
        // The text of an edit names nobody.
        let holds = |reading: &Reading| reading.edited_at.is_some() || reading.mentions.contains(user);
        if !amended.reading(*room, *seq).is_some_and(holds) {
            verdict.unmentioned += 1;
            verdict.note(verdict.unmentioned, || format!("{named:?} is not stored"));
        }
    }
    for Told { user, room, seqs } in &amended.told {
        for seq in amended.mentions(*room, *user).filter(|seq| !seqs.contains(seq)) {
            verdict.unmentioned += 1;
            verdict.note(verdict.unmentioned, || format!("room {room}: user {user} was not told of {}", seq.0));
        }
    }
    for counted @ Counted { user, room, mentions } in &amended.counted {
        let stored = amended.mentions(*room, *user).count();
        if stored != *mentions {
            verdict.unmentioned += stored.abs_diff(*mentions);
            verdict.note(verdict.unmentioned, || format!("{counted:?} where {stored} are stored"));
        }
    }
}
