//! Receipts: which members have received and read which messages, as runs of seq per user and room.
//!
//! Runs are stored as `first-last@ms` (read) or `first-last` (delivered), separated by commas, in ascending order,
//! without overlaps. The scripts of the store write them.

use std::collections::HashMap;

use super::ids::{Seq, UserId};
use super::message::Message;

/// Delivery status of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Stored.
    Sent,
    /// Every other member has received it.
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

/// Runs of messages, each with the time at which it was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs(Vec<Run>);

impl Runs {
    /// Parses the stored form, skipping malformed runs.
    pub fn parse(text: &str) -> Self {
        let run = |text: &str| {
            let (range, at) = text.split_once('@').unwrap_or((text, "0"));
            let (first, last) = range.split_once('-')?;
            Some(Run { first: first.parse().ok()?, last: last.parse().ok()?, at_ms: at.parse().ok()? })
        };
        Self(text.split(',').filter_map(run).collect())
    }

    /// The time at which a message was recorded, UTC milliseconds; `None` if it was not.
    pub fn noted_at_ms(&self, seq: Seq) -> Option<u64> {
        let index = self.0.partition_point(|run| run.last < seq.0);
        self.0.get(index).filter(|run| run.first <= seq.0).map(|run| run.at_ms)
    }

    /// Whether all messages from `first` to `last` are recorded.
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

    /// The runs recorded at this time or later: first message, last message, time in UTC milliseconds.
    pub fn since(&self, at_ms: u64) -> impl Iterator<Item = (Seq, Seq, u64)> + '_ {
        let recent = self.0.iter().filter(move |run| run.at_ms >= at_ms);
        recent.map(|run| (Seq(run.first), Seq(run.last), run.at_ms))
    }

    /// The last message recorded; 0 for none.
    pub fn highest(&self) -> Seq {
        Seq(self.0.last().map_or(0, |run| run.last))
    }
}

/// The receipts of a room's members.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    /// Current members and the times at which they joined, UTC milliseconds.
    pub members: Vec<(UserId, u64)>,
    /// Messages that each user has read.
    pub read: HashMap<UserId, Runs>,
    /// Messages that each user has received without reading them.
    pub delivered: HashMap<UserId, Runs>,
}

impl Receipts {
    /// The status of a message: the lowest among the other members who were members when it was stored. When all of
    /// them have left, the lowest among those who received it before they left, so that the status never goes back;
    /// when nobody did, `Sent`.
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
        // A user who left and joined again may have read it during the earlier membership.
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

    /// The members who have read a message, with the time of the first reading in UTC milliseconds, in that order.
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
        let recent: Vec<_> = runs.since(20).collect();
        assert_eq!(recent, [(Seq(4), Seq(6), 20), (Seq(9), Seq(9), 30)]);
        assert_eq!(Runs::parse("").highest(), Seq(0));
    }

    #[test]
    fn a_message_is_as_far_as_with_the_last_of_the_others() {
        let mut receipts = Receipts {
            members: vec![(UserId(1), 0), (UserId(2), 0), (UserId(3), 0), (UserId(4), 99)],
            ..Receipts::default()
        };
        let sent = Message::sample(1, 5, 50);
        assert_eq!(receipts.status(&sent), Status::Sent);
        receipts.delivered.insert(UserId(2), Runs::parse("1-9"));
        receipts.read.insert(UserId(3), Runs::parse("5-5@70"));
        assert_eq!(receipts.status(&sent), Status::Delivered);
        receipts.read.insert(UserId(2), Runs::parse("2-8@60"));
        assert_eq!(receipts.status(&sent), Status::Read);
        assert_eq!(receipts.read_by(&sent), [(UserId(2), 60), (UserId(3), 70)]);
        receipts.members = vec![(UserId(1), 0), (UserId(4), 99)];
        assert_eq!(receipts.status(&sent), Status::Read, "those who had it left");
        assert_eq!(receipts.status(&Message::sample(1, 50, 50)), Status::Sent, "nobody was there");
    }
}
