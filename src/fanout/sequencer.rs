//! The order of one room's events: what pub/sub brings is put in order, duplicates are dropped, gaps found.
//!
//! Pure: [`super::followed_rooms`] reads what is missing and hands it in.

use crate::domain::{AmendmentKind, EntryId, Event, Seq, Tail, Watermark};

/// Events that may wait while a gap is read; beyond, the reading brings the messages anyway.
const MAX_HELD: usize = 2048;

const NOTHING: Watermark = Watermark { last: EntryId { seq: Seq(0), at_ms: 0 }, revision: 0 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not subscribed: events may be missed.
    Unsubscribed,
    /// Subscribed; what came before is being read.
    Reading,
    /// Everything up to the watermark was delivered.
    Live,
}

/// How far a room's events have been delivered, and those that wait for a reading.
#[derive(Debug)]
pub(super) struct Sequencer<K = AmendmentKind> {
    known: Watermark,
    phase: Phase,
    /// Whether anything was ever known: the first reading finds the beginning, later ones fill gaps.
    has_begun: bool,
    held: Vec<Event<K>>,
}

impl<K> Sequencer<K> {
    pub(super) fn new() -> Self {
        Self { known: NOTHING, phase: Phase::Unsubscribed, has_begun: false, held: Vec::new() }
    }

    /// The watermark, while everything up to it was delivered.
    pub(super) fn current(&self) -> Option<Watermark> {
        (self.phase == Phase::Live).then_some(self.known)
    }

    /// The last message delivered, once there was a first reading.
    pub(super) fn last(&self) -> Option<EntryId> {
        self.has_begun.then_some(self.known.last)
    }

    /// The subscription is gone.
    pub(super) fn lose(&mut self) {
        self.phase = Phase::Unsubscribed;
        self.held.clear();
    }

    /// A reading begins; events wait for it from now on.
    pub(super) fn begin_reading(&mut self) {
        self.phase = Phase::Reading;
    }

    /// Takes an event from pub/sub. What is to be delivered goes to `out`; `true` when a reading must fill a
    /// gap first.
    pub(super) fn accept(&mut self, what: Event<K>, out: &mut Vec<Event<K>>) -> bool {
        match self.phase {
            Phase::Unsubscribed => false,
            Phase::Reading => {
                if self.held.len() < MAX_HELD {
                    self.held.push(what);
                }
                false
            }
            Phase::Live => self.deliver(what, out),
        }
    }

    fn deliver(&mut self, what: Event<K>, out: &mut Vec<Event<K>>) -> bool {
        match &what {
            Event::Message(message) => {
                let (id, last) = (message.id.entry, self.known.last);
                let is_next = id.seq.0 == last.seq.0 + 1 && id.at_ms >= last.at_ms;
                let is_old = id.seq <= last.seq && id.at_ms <= last.at_ms;
                if is_old {
                    return false;
                }
                if !is_next {
                    self.phase = Phase::Reading;
                    self.held.push(what);
                    return true;
                }
                self.known.last = id;
            }
            Event::Amended(amendment) => self.known.revision = self.known.revision.max(amendment.revision),
            Event::Read(_) | Event::Typing(_) | Event::Presence(_) => {}
        }
        out.push(what);
        false
    }

    /// The first reading: what follows is new. `true` when another reading is needed.
    pub(super) fn begin(&mut self, found: Watermark, out: &mut Vec<Event<K>>) -> bool {
        self.known = found;
        self.has_begun = true;
        self.resume(out)
    }

    /// A reading of what came behind [`Self::last`]. Amendments count from `amended_since_ms` on. `true` when
    /// another reading is needed.
    pub(super) fn repair(&mut self, tail: Tail<K>, amended_since_ms: u64, out: &mut Vec<Event<K>>) -> bool {
        out.extend(tail.messages.into_iter().map(|message| Event::Message(Box::new(message))));
        if tail.watermark.revision > self.known.revision {
            let is_recent = |at_ms: Option<u64>| at_ms.is_none_or(|at_ms| at_ms >= amended_since_ms);
            let recent = tail.amendments.into_iter().filter(|amendment| is_recent(amendment.at_ms));
            out.extend(recent.map(Event::Amended));
        }
        self.known = tail.watermark;
        if tail.has_more {
            return true;
        }
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Vec<Event<K>>) -> bool {
        self.phase = Phase::Live;
        let held = std::mem::take(&mut self.held);
        let mut held = held.into_iter();
        while let Some(what) = held.next() {
            if self.deliver(what, out) {
                self.held.extend(held);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Amendment, Message, MessageId, MessageKind, RoomHead, RoomId, RoomKind, UserId, UserRef};

    /// Deletion and one kind that the server does not have: the sequencer treats all kinds alike.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Kind {
        Deleted,
        Starred,
    }

    type Event = super::Event<Kind>;
    type Tail = super::Tail<Kind>;
    type Sequencer = super::Sequencer<Kind>;

    fn message(seq: u64, at_ms: u64) -> Event {
        Event::Message(Box::new(Message {
            id: MessageId { room: RoomId::GLOBAL, entry: EntryId { seq: Seq(seq), at_ms } },
            sender: UserRef { id: UserId(1), name: String::new() },
            kind: MessageKind::Text,
            text: String::new(),
            attachment: None,
            reply_to: None,
            client_id: None,
            notice: None,
        }))
    }

    fn tail(messages: &[(u64, u64)]) -> Tail {
        let messages: Vec<_> = messages
            .iter()
            .filter_map(|(seq, at_ms)| match message(*seq, *at_ms) {
                Event::Message(message) => Some(*message),
                _ => None,
            })
            .collect();
        let last = messages.last().map_or(NOTHING.last, |message| message.id.entry);
        Tail {
            head: RoomHead { id: RoomId::GLOBAL, kind: RoomKind::Public, pair: None },
            watermark: Watermark { last, revision: 0 },
            is_complete: true,
            is_gapless: true,
            has_more: false,
            messages,
            amendments: Vec::new(),
        }
    }

    fn seqs(out: &[Event]) -> Vec<u64> {
        out.iter()
            .filter_map(|what| match what {
                Event::Message(message) => Some(message.id.entry.seq.0),
                _ => None,
            })
            .collect()
    }

    fn amendment(seq: u64, revision: u64, at_ms: u64, what: Kind) -> Amendment<Kind> {
        let id = EntryId { seq: Seq(seq), at_ms: 10 };
        Amendment { id, revision, by: UserId(1), at_ms: Some(at_ms), what }
    }

    fn amended(out: &[Event]) -> Vec<(u64, Kind)> {
        out.iter()
            .filter_map(|what| match what {
                Event::Amended(amendment) => Some((amendment.id.seq.0, amendment.what)),
                _ => None,
            })
            .collect()
    }

    fn live(last: u64) -> Sequencer {
        let mut sequencer = Sequencer::new();
        sequencer.begin_reading();
        let last = EntryId { seq: Seq(last), at_ms: 10 };
        assert!(!sequencer.begin(Watermark { last, revision: 0 }, &mut Vec::new()));
        sequencer
    }

    #[test]
    fn duplicates_are_dropped() {
        let (mut sequencer, mut out) = (live(3), Vec::new());
        for seq in [3, 4, 4, 2, 5] {
            assert!(!sequencer.accept(message(seq, 10), &mut out));
        }
        assert_eq!(seqs(&out), [4, 5]);
    }

    #[test]
    fn a_gap_is_filled_before_what_is_behind_it() {
        let (mut sequencer, mut out) = (live(3), Vec::new());
        assert!(sequencer.accept(message(6, 10), &mut out));
        assert!(!sequencer.accept(message(7, 10), &mut out));
        assert!(out.is_empty() && sequencer.current().is_none());
        assert!(!sequencer.repair(tail(&[(4, 10), (5, 10), (6, 10)]), 0, &mut out));
        assert_eq!(seqs(&out), [4, 5, 6, 7]);
        assert!(sequencer.current().is_some());
    }

    #[test]
    fn a_second_gap_behind_the_first_needs_another_reading() {
        let (mut sequencer, mut out) = (live(3), Vec::new());
        assert!(sequencer.accept(message(5, 10), &mut out));
        sequencer.accept(message(9, 10), &mut out);
        sequencer.accept(message(10, 10), &mut out);
        assert!(sequencer.repair(tail(&[(4, 10), (5, 10)]), 0, &mut out));
        assert!(!sequencer.repair(tail(&[(6, 10), (7, 10), (8, 10), (9, 10)]), 0, &mut out));
        assert_eq!(seqs(&out), [4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn a_seq_that_is_given_again_after_a_loss_is_new() {
        let (mut sequencer, mut out) = (live(9), Vec::new());
        assert!(sequencer.accept(message(8, 20), &mut out));
        assert!(!sequencer.repair(tail(&[(8, 20)]), 0, &mut out));
        assert!(!sequencer.accept(message(9, 21), &mut out));
        assert_eq!(seqs(&out), [8, 9]);
    }

    #[test]
    fn nothing_is_delivered_before_the_reading_that_follows_a_loss() {
        let (mut sequencer, mut out) = (live(3), Vec::new());
        sequencer.lose();
        assert!(!sequencer.accept(message(4, 10), &mut out));
        sequencer.begin_reading();
        sequencer.accept(message(6, 10), &mut out);
        assert!(out.is_empty());
        assert!(!sequencer.repair(tail(&[(4, 10), (5, 10)]), 0, &mut out));
        assert_eq!(seqs(&out), [4, 5, 6]);
    }

    #[test]
    fn amendments_of_all_kinds_are_delivered_and_raise_the_revision() {
        let (mut sequencer, mut out) = (live(3), Vec::new());
        for (seq, revision, what) in [(2, 1, Kind::Deleted), (3, 3, Kind::Starred), (1, 2, Kind::Starred)] {
            assert!(!sequencer.accept(Event::Amended(amendment(seq, revision, 10, what)), &mut out));
        }
        assert_eq!(amended(&out), [(2, Kind::Deleted), (3, Kind::Starred), (1, Kind::Starred)]);
        assert_eq!(sequencer.current().map(|known| known.revision), Some(3));
    }

    #[test]
    fn amendments_of_all_kinds_wait_until_a_gap_is_filled() {
        let (mut sequencer, mut out) = (live(3), Vec::new());
        assert!(sequencer.accept(message(5, 10), &mut out));
        for (revision, what) in [(1, Kind::Starred), (2, Kind::Deleted)] {
            sequencer.accept(Event::Amended(amendment(4, revision, 10, what)), &mut out);
        }
        assert!(out.is_empty());
        assert!(!sequencer.repair(tail(&[(4, 10), (5, 10)]), 0, &mut out));
        assert_eq!(seqs(&out), [4, 5]);
        assert_eq!(amended(&out[2..]), [(4, Kind::Starred), (4, Kind::Deleted)]);
        assert_eq!(sequencer.current().map(|known| known.revision), Some(2));
    }

    #[test]
    fn a_reading_brings_the_recent_amendments_of_all_kinds_if_any_were_missed() {
        let amendments = vec![
            amendment(1, 9, 10, Kind::Deleted),
            amendment(2, 9, 50, Kind::Starred),
            amendment(3, 9, 60, Kind::Deleted),
        ];
        for (revision, expected) in [(0, vec![]), (9, vec![(2, Kind::Starred), (3, Kind::Deleted)])] {
            let (mut sequencer, mut out) = (live(3), Vec::new());
            sequencer.begin_reading();
            let watermark = Watermark { revision, ..tail(&[(3, 10)]).watermark };
            let tail = Tail { watermark, amendments: amendments.clone(), ..tail(&[]) };
            assert!(!sequencer.repair(tail, 20, &mut out));
            assert_eq!(amended(&out), expected, "revision {revision}");
            assert_eq!(sequencer.current(), Some(watermark));
        }
    }
}
