//! Events of one room in every order that pub/sub and the store may bring.

use super::*;
use crate::domain::{Amendment, Message, ReadMark, RoomHead, RoomId, RoomKind, Seq, UserId};

/// Deletion, and a kind that the server does not have. The sequencer treats all kinds alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deleted,
    Starred,
}

type Event = super::Event<Kind>;
type Tail = super::Tail<Kind>;
type Sequencer = super::Sequencer<Kind>;

fn message(seq: u64, at_ms: u64) -> Event {
    Event::Message(Box::new(Message::sample(1, seq, at_ms)))
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
        rewound_to: None,
        entries: messages.iter().map(|message| message.id.entry).collect(),
        messages,
        amendments: Vec::new(),
        read_marks: Vec::new(),
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

fn live_after(last: u64) -> Sequencer {
    let mut sequencer = Sequencer::new();
    sequencer.begin_reading();
    let last = EntryId { seq: Seq(last), at_ms: 10 };
    assert!(!sequencer.begin(Watermark { last, revision: 0 }, &mut Vec::new()));
    sequencer
}

#[test]
fn duplicates_are_dropped() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    for seq in [3, 4, 4, 3, 5] {
        assert!(!sequencer.accept(message(seq, 10), &mut out));
    }
    assert_eq!(seqs(&out), [4, 5]);
}

#[test]
fn a_gap_is_filled_before_later_messages_are_delivered() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    assert!(sequencer.accept(message(6, 10), &mut out));
    assert!(!sequencer.accept(message(7, 10), &mut out));
    assert!(out.is_empty() && sequencer.current().is_none());
    assert!(!sequencer.repair(tail(&[(4, 10), (5, 10), (6, 10)]), 0, &mut out));
    assert_eq!(seqs(&out), [4, 5, 6, 7]);
    assert!(sequencer.current().is_some());
}

#[test]
fn a_second_gap_needs_another_read() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    assert!(sequencer.accept(message(5, 10), &mut out));
    sequencer.accept(message(9, 10), &mut out);
    sequencer.accept(message(10, 10), &mut out);
    assert!(sequencer.repair(tail(&[(4, 10), (5, 10)]), 0, &mut out));
    assert!(!sequencer.repair(tail(&[(6, 10), (7, 10), (8, 10), (9, 10)]), 0, &mut out));
    assert_eq!(seqs(&out), [4, 5, 6, 7, 8, 9, 10]);
}

/// The tail of a log that went back to the message `kept`.
fn rewound(kept: (u64, u64), messages: &[(u64, u64)]) -> Tail {
    let kept = EntryId { seq: Seq(kept.0), at_ms: kept.1 };
    Tail { rewound_to: Some(kept), is_complete: false, ..tail(messages) }
}

#[test]
fn a_seq_given_again_after_data_loss_is_a_new_message_at_any_time() {
    for (at_ms, case) in [(20, "the clock of Redis went on"), (5, "it went back")] {
        let (mut sequencer, mut out) = (live_after(7), Vec::new());
        for seq in [8, 9] {
            assert!(!sequencer.accept(message(seq, 10), &mut out));
        }
        out.clear();
        assert!(sequencer.accept(message(8, at_ms), &mut out), "{case}");
        assert!(!sequencer.repair(rewound((7, 10), &[(8, at_ms)]), 0, &mut out));
        let entry = EntryId { seq: Seq(8), at_ms };
        let kept = EntryId { seq: Seq(7), at_ms: 10 };
        assert_eq!(out[0], Event::Rewound(Rewind { kept, entries: vec![entry, entry] }), "{case}");
        assert!(!sequencer.accept(message(9, at_ms), &mut out));
        assert!(!sequencer.accept(message(8, at_ms), &mut out), "a duplicate");
        assert_eq!(seqs(&out), [8, 9], "{case}");
    }
}

#[test]
fn a_raised_seq_is_no_gap() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    sequencer.begin_reading();
    let mut tail = rewound((3, 10), &[(4, 5)]);
    tail.watermark.last = EntryId { seq: Seq(9), at_ms: 10 };
    assert!(!sequencer.repair(tail, 0, &mut out));
    assert!(!sequencer.accept(message(10, 10), &mut out));
    assert_eq!(seqs(&out), [4, 10]);
    let known: Vec<u64> = sequencer.known().expect("begun").iter().map(|entry| entry.seq.0).collect();
    assert_eq!(known, [3, 4, 10], "entries that exist");
}

#[test]
fn what_a_read_covers_is_not_delivered_again() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    sequencer.begin_reading();
    for seq in [4, 5, 6] {
        sequencer.accept(message(seq, 10), &mut out);
    }
    // The fourth was deleted before the read, and the fifth as well.
    let mut tail = tail(&[]);
    tail.watermark.last = EntryId { seq: Seq(5), at_ms: 10 };
    assert!(!sequencer.repair(tail, 0, &mut out));
    assert_eq!(seqs(&out), [6]);
}

#[test]
fn read_marks_are_delivered_behind_the_messages() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    sequencer.begin_reading();
    let mark = ReadMark { user: UserId(1), first: Seq(4), last: Seq(4), at_ms: 11 };
    assert!(!sequencer.repair(Tail { read_marks: vec![mark], ..tail(&[(4, 10)]) }, 0, &mut out));
    assert_eq!(seqs(&out), [4]);
    assert_eq!(out[1], Event::Read(mark));
}

#[test]
fn nothing_is_delivered_between_a_lost_subscription_and_the_next_read() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
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
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    for (seq, revision, what) in
        [(2, 1, Kind::Deleted), (3, 2, Kind::Starred), (1, 1, Kind::Starred), (1, 3, Kind::Deleted)]
    {
        assert!(!sequencer.accept(Event::Amended(amendment(seq, revision, 10, what)), &mut out));
    }
    let expected = [(2, Kind::Deleted), (3, Kind::Starred), (1, Kind::Starred), (1, Kind::Deleted)];
    assert_eq!(amended(&out), expected);
    assert_eq!(sequencer.current().map(|watermark| watermark.revision), Some(3));
}

#[test]
fn an_amendment_that_was_not_heard_is_read_before_the_next_one() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    assert!(!sequencer.accept(Event::Amended(amendment(2, 1, 10, Kind::Starred)), &mut out));
    assert!(sequencer.accept(Event::Amended(amendment(3, 3, 30, Kind::Starred)), &mut out));
    assert_eq!((amended(&out), sequencer.current()), (vec![(2, Kind::Starred)], None));
    let watermark = Watermark { revision: 3, last: EntryId { seq: Seq(3), at_ms: 10 } };
    let amendments = vec![amendment(1, 3, 20, Kind::Deleted), amendment(3, 3, 30, Kind::Starred)];
    assert!(!sequencer.repair(Tail { watermark, amendments, ..tail(&[]) }, 0, &mut out));
    assert_eq!(amended(&out)[1..3], [(1, Kind::Deleted), (3, Kind::Starred)]);
    assert_eq!(sequencer.current(), Some(watermark));
}

#[test]
fn amendments_of_all_kinds_are_held_until_a_gap_is_filled() {
    let (mut sequencer, mut out) = (live_after(3), Vec::new());
    assert!(sequencer.accept(message(5, 10), &mut out));
    for (revision, what) in [(1, Kind::Starred), (2, Kind::Deleted)] {
        sequencer.accept(Event::Amended(amendment(4, revision, 10, what)), &mut out);
    }
    assert!(out.is_empty());
    assert!(!sequencer.repair(tail(&[(4, 10), (5, 10)]), 0, &mut out));
    assert_eq!(seqs(&out), [4, 5]);
    assert_eq!(amended(&out[2..]), [(4, Kind::Starred), (4, Kind::Deleted)]);
    assert_eq!(sequencer.current().map(|watermark| watermark.revision), Some(2));
}

#[test]
fn a_read_delivers_recent_amendments_of_all_kinds_if_any_were_missed() {
    let amendments = vec![
        amendment(1, 9, 10, Kind::Deleted),
        amendment(2, 9, 50, Kind::Starred),
        amendment(3, 9, 60, Kind::Deleted),
        amendment(4, 9, 80, Kind::Starred),
    ];
    let missed = vec![(2, Kind::Starred), (3, Kind::Deleted), (4, Kind::Starred)];
    for (revision, expected) in [(0, vec![]), (9, missed)] {
        let (mut sequencer, mut out) = (live_after(3), Vec::new());
        sequencer.begin_reading();
        let watermark = Watermark { revision, ..tail(&[(4, 70)]).watermark };
        let tail = Tail { watermark, amendments: amendments.clone(), ..tail(&[(4, 70)]) };
        assert!(!sequencer.repair(tail, 20, &mut out));
        assert_eq!(amended(&out), expected, "revision {revision}");
        let is_message = |what: &Event| matches!(what, Event::Message(_));
        let before = out.iter().position(is_message).expect("a message");
        assert_eq!(before, expected.len().saturating_sub(1), "what is older than the message precedes it");
        assert_eq!(sequencer.current(), Some(watermark));
    }
}
