//! The order of one room's events: passes on events from pub/sub in order, drops duplicates and detects gaps.
//!
//! Pure: [`super::followed_rooms`] reads missing events from the store and passes them in.

use super::recent_entries::RecentEntries;
use crate::domain::{AmendmentKind, EntryId, Event, Rewind, Tail, Watermark};

/// Maximum number of events held while a gap is read. Beyond that, the read returns the messages anyway.
const MAX_HELD: usize = 2048;

const NOTHING: Watermark = Watermark { last: EntryId::START, revision: 0 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not subscribed: events are lost.
    Unsubscribed,
    /// Subscribed. Earlier events are being read from the store, new ones are held.
    Reading,
    /// All events up to the watermark are delivered.
    Live,
}

/// The delivery state of a room: a watermark, and the events held until a gap is filled.
#[derive(Debug)]
pub(super) struct Sequencer<K = AmendmentKind> {
    watermark: Watermark,
    /// The last entries up to the watermark, oldest first.
    recent: RecentEntries,
    phase: Phase,
    /// Whether the store was read once. The first read sets the watermark, later reads fill gaps.
    has_begun: bool,
    held: Vec<Event<K>>,
}

impl<K> Sequencer<K> {
    pub(super) fn new() -> Self {
        Self {
            watermark: NOTHING,
            recent: RecentEntries::default(),
            phase: Phase::Unsubscribed,
            has_begun: false,
            held: Vec::new(),
        }
    }

    /// Returns the watermark, while all events up to it are delivered.
    pub(super) fn current(&self) -> Option<Watermark> {
        (self.phase == Phase::Live).then_some(self.watermark)
    }

    /// Returns the last delivered message, once the store was read.
    pub(super) fn last(&self) -> Option<EntryId> {
        self.has_begun.then_some(self.watermark.last)
    }

    /// Returns the last entries that were delivered, oldest first, once the store was read.
    pub(super) fn known(&self) -> Option<Vec<EntryId>> {
        self.has_begun.then(|| self.recent.or_end(self.watermark.last))
    }

    /// Records that the subscription was lost. Drops the held events.
    pub(super) fn lose(&mut self) {
        self.phase = Phase::Unsubscribed;
        self.held.clear();
    }

    /// Records that a read from the store begins. Holds events from now on.
    pub(super) fn begin_reading(&mut self) {
        self.phase = Phase::Reading;
    }

    /// Accepts an event from pub/sub and appends events that can be delivered to `out`. Returns `true` when a gap must
    /// be read first.
    pub(super) fn accept(&mut self, event: Event<K>, out: &mut Vec<Event<K>>) -> bool {
        match self.phase {
            Phase::Unsubscribed => false,
            Phase::Reading => {
                if self.held.len() < MAX_HELD {
                    self.held.push(event);
                }
                false
            }
            Phase::Live if self.lacks_amendments_before(&event) => {
                self.phase = Phase::Reading;
                self.held.push(event);
                true
            }
            Phase::Live => self.deliver(event, out),
        }
    }

    /// Whether an amendment is not the next one: others before it were announced, and not heard.
    fn lacks_amendments_before(&self, event: &Event<K>) -> bool {
        matches!(event, Event::Amended(amendment) if amendment.revision > self.watermark.revision + 1)
    }

    fn deliver(&mut self, event: Event<K>, out: &mut Vec<Event<K>>) -> bool {
        match &event {
            Event::Message(message) => {
                let (id, last) = (message.id.entry, self.watermark.last);
                let is_next = id.seq.0 == last.seq.0 + 1 && id.at_ms >= last.at_ms;
                if !is_next {
                    if self.recent.contains(id) {
                        return false;
                    }
                    // A gap, or a seq that was given again.
                    self.phase = Phase::Reading;
                    self.held.push(event);
                    return true;
                }
                self.watermark.last = id;
                self.recent.push(id);
            }
            Event::Amended(amendment) => self.watermark.revision = self.watermark.revision.max(amendment.revision),
            Event::Read(_)
            | Event::Typing(_)
            | Event::Presence(_)
            | Event::RoomChanged { .. }
            | Event::RoomRemoved(_)
            | Event::Rewound(_) => {}
        }
        out.push(event);
        false
    }

    /// Takes the result of the first read: later events are new. Returns `true` when another read is needed.
    pub(super) fn begin(&mut self, watermark: Watermark, out: &mut Vec<Event<K>>) -> bool {
        self.watermark = watermark;
        self.has_begun = true;
        self.recent = RecentEntries::of(watermark.last);
        self.resume(out)
    }

    /// Takes the result of a read after [`Self::known`], and delivers its amendments from `amended_since_ms` on. Returns
    /// `true` when another read is needed.
    pub(super) fn repair(&mut self, tail: Tail<K>, amended_since_ms: u64, out: &mut Vec<Event<K>>) -> bool {
        if let Some(kept) = tail.rewound_to {
            self.recent.rewind(kept);
            let entries = tail.entries.iter().copied().chain([tail.watermark.last]).collect();
            out.push(Event::Rewound(Rewind { kept, entries }));
        }
        tail.entries.iter().for_each(|entry| self.recent.push(*entry));
        // The counter of amendments went back together with the log.
        let is_missed = tail.rewound_to.is_some() || tail.watermark.revision > self.watermark.revision;
        let is_recent = |at_ms: Option<u64>| is_missed && at_ms.is_none_or(|at_ms| at_ms >= amended_since_ms);
        let recent = tail.amendments.into_iter().filter(|amendment| is_recent(amendment.at_ms));
        // A client that leaves in between and resumes behind a message has missed none that are older than the message.
        let known_to = tail.rewound_to.unwrap_or(self.watermark.last).seq;
        let (of_known, of_new): (Vec<_>, Vec<_>) = recent.partition(|amendment| amendment.id.seq <= known_to);
        out.extend(of_known.into_iter().map(Event::Amended));
        out.extend(tail.messages.into_iter().map(|message| Event::Message(Box::new(message))));
        out.extend(of_new.into_iter().map(Event::Amended));
        self.watermark = tail.watermark;
        if tail.has_more {
            return true;
        }
        out.extend(tail.read_marks.into_iter().map(Event::Read));
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Vec<Event<K>>) -> bool {
        self.phase = Phase::Live;
        let read_to = self.watermark.last.seq;
        // The read returned whatever was announced up to its end.
        let is_read = |event: &Event<K>| matches!(event, Event::Message(message) if message.id.entry.seq <= read_to);
        let held = std::mem::take(&mut self.held);
        let mut held = held.into_iter().filter(|event| !is_read(event));
        while let Some(event) = held.next() {
            if self.deliver(event, out) {
                self.held.extend(held);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
