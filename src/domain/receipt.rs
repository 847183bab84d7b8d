//! Who has received and read what: runs of seq per user and room.
//!
//! Stored as `first-last@ms` (read) or `first-last` (delivered), separated by commas, ascending, never
//! overlapping; the store's scripts write them.

use std::collections::HashMap;

use super::ids::{Seq, UserId};
use super::message::Message;

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Stored.
    Sent,
    /// Every other member has it.
    Delivered,
    /// Every other member has read it.
    Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u64,
    last: u64,
    at_ms: u64,
}

/// Runs of messages, each with the time at which it was noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs(Vec<Run>);

impl Runs {
    /// Reads the stored form; what is not understood is left out.
    pub fn parse(text: &str) -> Self {
        let run = |text: &str| {
            let (range, at) = text.split_once('@').unwrap_or((text, "0"));
            let (first, last) = range.split_once('-')?;
            Some(Run { first: first.parse().ok()?, last: last.parse().ok()?, at_ms: at.parse().ok()? })
        };
        Self(text.split(',').filter_map(run).collect())
    }

    /// When a message was noted, UTC milliseconds, if it was.
    pub fn noted_at_ms(&self, seq: Seq) -> Option<u64> {
        let index = self.0.partition_point(|run| run.last < seq.0);
        self.0.get(index).filter(|run| run.first <= seq.0).map(|run| run.at_ms)
    }

    /// Whether all from `first` up to `last` is noted.
    pub fn cover(&self, first: Seq, last: Seq) -> bool {
        let mut next = first.0;
        for run in self.0.iter().skip_while(|run| run.last < first.0) {
            if run.first > next || next > last.0 {
                break;
            }
            next = run.last + 1;
        }
        next > last.0
    }

    /// The highest message noted; 0 for none.
    pub fn highest(&self) -> Seq {
        Seq(self.0.last().map_or(0, |run| run.last))
    }
}

/// What is known of a room's members and what they have.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    /// Present members and when they joined, UTC milliseconds.
    pub members: Vec<(UserId, u64)>,
    /// What each has read.
    pub read: HashMap<UserId, Runs>,
    /// What each has received otherwise.
    pub delivered: HashMap<UserId, Runs>,
}

impl Receipts {
    /// How far a message has come: as far as with the last of the others who were members when it was
    /// stored and still are. When none of them is left, as far as with those who had it before they left, so that
    /// it never goes back; without any it stays sent.
    pub fn status(&self, message: &Message) -> Status {
        let (entry, sender) = (message.id.entry, message.sender.id);
        let read_at_ms = |user: UserId| self.read.get(&user).and_then(|runs| runs.noted_at_ms(entry.seq));
        let is_delivered = |user| self.delivered.get(&user).is_some_and(|runs| runs.noted_at_ms(entry.seq).is_some());
        let of = |user| match () {
            () if read_at_ms(user).is_some() => Status::Read,
            () if is_delivered(user) => Status::Delivered,
            () => Status::Sent,
        };
        let were_there = self.members.iter().filter(|(_, joined_at_ms)| *joined_at_ms <= entry.at_ms);
        let others = were_there.map(|(user, _)| *user).filter(|user| *user != sender);
        // Who joined again later may have read it as the member that they were.
        let has_left = |user: &UserId| {
            let joined_at_ms = self.members.iter().find(|(member, _)| member == user).map(|(_, at_ms)| *at_ms);
            joined_at_ms.is_none_or(|joined| read_at_ms(*user).is_some_and(|read| read < joined))
        };
        let had_it = || {
            let known = self.read.keys().chain(self.delivered.keys()).copied();
            let former = known.filter(|user| *user != sender && has_left(user));
            former.map(of).filter(|status| *status != Status::Sent).min()
        };
        others.map(of).min().or_else(had_it).unwrap_or(Status::Sent)
    }

    /// Who has read a message, with the first time in UTC milliseconds, by that time.
    pub fn read_by(&self, message: &Message) -> Vec<(UserId, u64)> {
        let readers = self.members.iter().filter(|(user, _)| *user != message.sender.id);
        let mut readers: Vec<(UserId, u64)> = readers
            .filter_map(|(user, _)| Some((*user, self.read.get(user)?.noted_at_ms(message.id.entry.seq)?)))
            .collect();
        readers.sort_unstable_by_key(|(user, at_ms)| (*at_ms, *user));
        readers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryId, MessageId, MessageKind, RoomId, UserRef};

    fn message(sender: u64, seq: u64, at_ms: u64) -> Message {
        Message {
            id: MessageId { room: RoomId::GLOBAL, entry: EntryId { seq: Seq(seq), at_ms } },
            sender: UserRef { id: UserId(sender), name: String::new() },
            kind: MessageKind::Text,
            text: String::new(),
            attachment: None,
            reply_to: None,
            client_id: None,
            notice: None,
        }
    }

    #[test]
    fn runs_know_what_they_hold() {
        let runs = Runs::parse("1-3@10,4-6@20,9-9@30");
        assert_eq!(
            [1, 3, 4, 7, 9, 10].map(|seq| runs.noted_at_ms(Seq(seq))),
            [Some(10), Some(10), Some(20), None, Some(30), None]
        );
        assert!(runs.cover(Seq(2), Seq(6)));
        assert!(!runs.cover(Seq(2), Seq(7)) && !runs.cover(Seq(0), Seq(2)) && !runs.cover(Seq(8), Seq(9)));
        assert_eq!(runs.highest(), Seq(9));
        assert_eq!(Runs::parse("").highest(), Seq(0));
    }

    #[test]
    fn a_message_is_as_far_as_with_the_last_of_the_others() {
        let mut receipts = Receipts {
            members: vec![(UserId(1), 0), (UserId(2), 0), (UserId(3), 0), (UserId(4), 99)],
            ..Receipts::default()
        };
        let sent = message(1, 5, 50);
        assert_eq!(receipts.status(&sent), Status::Sent);
        receipts.delivered.insert(UserId(2), Runs::parse("1-9"));
        receipts.read.insert(UserId(3), Runs::parse("5-5@70"));
        assert_eq!(receipts.status(&sent), Status::Delivered);
        receipts.read.insert(UserId(2), Runs::parse("2-8@60"));
        assert_eq!(receipts.status(&sent), Status::Read);
        assert_eq!(receipts.read_by(&sent), [(UserId(2), 60), (UserId(3), 70)]);
        receipts.members = vec![(UserId(1), 0), (UserId(4), 99)];
        assert_eq!(receipts.status(&sent), Status::Read, "those who had it left");
        assert_eq!(receipts.status(&message(1, 50, 50)), Status::Sent, "nobody was there");
    }
}
