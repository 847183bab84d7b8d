//! Tests of the checker: it must tell the histories of a sound model of storing and delivering from those of a model that
//! is broken in one way.

use std::collections::HashMap;

use chinwag::domain::{EntryId, Seq};

use super::checker::{Acknowledged, History, Received, Room, Seen, Stored, Verdict, check};
use super::random::Random;

const ROOM: Room = 7;
const READERS: usize = 4;
const SENDS: usize = 400;

/// Properties of the model; each `false` is a defect.
#[derive(Clone, Copy, Debug)]
struct Switches {
    /// A retry with the same client id finds the first message.
    dedup: bool,
    /// A reconnecting reader is caught up from its last message.
    catch_up: bool,
    /// A message is stored before it is announced.
    store_first: bool,
    /// A message is stored before it is acknowledged.
    store_before_ack: bool,
    /// Announcements arrive in order.
    in_order: bool,
}

const SOUND: Switches =
    Switches { dedup: true, catch_up: true, store_first: true, store_before_ack: true, in_order: true };

struct Model {
    switches: Switches,
    random: Random,
    log: Vec<Stored>,
    known: HashMap<String, EntryId>,
    history: History,
    is_connected: [bool; READERS],
    /// A delayed announcement.
    late: Option<Seen>,
}

/// The outcome of an attempt to send.
enum Outcome {
    Acknowledged(EntryId),
    Unknown,
}

impl Model {
    fn new(switches: Switches, seed: u64) -> Self {
        let received = |reader: usize| Received { reader: reader.to_string(), room: ROOM, messages: Vec::new() };
        let history = History { received: (0..READERS).map(received).collect(), ..History::default() };
        let (random, known) = (Random::new(seed), HashMap::new());
        Self { switches, random, log: Vec::new(), known, history, is_connected: [true; READERS], late: None }
    }

    /// Sends messages with random faults. Everyone is connected at the end.
    fn run(mut self) -> Verdict {
        for number in 0..SENDS {
            let client_id = format!("send {number}");
            for reader in 0..READERS {
                match self.random.between(0, 20) {
                    0 => self.is_connected[reader] = false,
                    1..5 => self.connect(reader),
                    _ => {}
                }
            }
            let place = loop {
                if let Outcome::Acknowledged(place) = self.attempt(&client_id) {
                    break place;
                }
            };
            self.history.acknowledged.push(Acknowledged { room: ROOM, client_id, place });
        }
        (0..READERS).for_each(|reader| self.connect(reader));
        self.history.truth.insert(ROOM, self.log);
        check(&self.history)
    }

    fn attempt(&mut self, client_id: &str) -> Outcome {
        if self.random.is_hit(5) {
            return Outcome::Unknown; // it never arrived
        }
        if let Some(place) = self.known.get(client_id).filter(|_| self.switches.dedup) {
            return Outcome::Acknowledged(*place);
        }
        let place =
            EntryId { seq: Seq(self.log.len() as u64 + 1), at_ms: self.random.next() % 2 + self.log.len() as u64 * 2 };
        let is_crash = self.random.is_hit(5);
        if !self.switches.store_before_ack && is_crash {
            return Outcome::Acknowledged(place);
        }
        if self.switches.store_first {
            self.store(place, client_id);
            if !is_crash {
                self.announce(place, client_id);
            }
        } else {
            self.announce(place, client_id);
            if !is_crash {
                self.store(place, client_id);
            }
        }
        if is_crash || self.random.is_hit(5) {
            return Outcome::Unknown; // the acknowledgement is lost
        }
        Outcome::Acknowledged(place)
    }

    fn store(&mut self, place: EntryId, client_id: &str) {
        self.known.insert(client_id.to_owned(), place);
        self.log.push(Stored { place, text: client_id.to_owned(), client_id: client_id.to_owned() });
    }

    fn announce(&mut self, place: EntryId, text: &str) {
        let message = Seen { place, text: text.to_owned(), how: String::new() };
        if !self.switches.in_order && self.late.is_none() && self.random.is_hit(5) {
            self.late = Some(message);
            return;
        }
        let late = self.late.take();
        for message in [message].into_iter().chain(late) {
            let connected: Vec<usize> = (0..READERS).filter(|reader| self.is_connected[*reader]).collect();
            for reader in connected {
                // Detects a gap and fills it before the message that follows it.
                if self.switches.catch_up && self.switches.in_order {
                    self.read_before(reader, message.place);
                }
                self.hand(reader, message.clone());
            }
        }
    }

    fn connect(&mut self, reader: usize) {
        self.is_connected[reader] = true;
        if self.switches.catch_up {
            self.read_before(reader, EntryId { seq: Seq(u64::MAX), at_ms: 0 });
        }
    }

    /// Delivers the stored messages after the reader's last one, up to `end`.
    fn read_before(&mut self, reader: usize, end: EntryId) {
        let last = self.history.received[reader].messages.iter().map(|message| message.place).max();
        let missing: Vec<Seen> = self
            .log
            .iter()
            .filter(|it| last.is_none_or(|last| it.place > last) && it.place < end)
            .map(|it| Seen { place: it.place, text: it.text.clone(), how: String::new() })
            .collect();
        missing.into_iter().for_each(|message| self.hand(reader, message));
    }

    /// Receives a message once, as clients do.
    fn hand(&mut self, reader: usize, message: Seen) {
        let messages = &mut self.history.received[reader].messages;
        if !messages.iter().any(|it| it.place == message.place) {
            messages.push(message);
        }
    }
}

/// Whether a verdict is as expected.
pub type IsExpected = fn(&Verdict) -> bool;

/// Judges a model under many seeds.
pub fn expect_always(judge: impl Fn(u64) -> Verdict, is_expected: IsExpected) {
    for seed in 0..20 {
        let verdict = judge(seed);
        assert!(is_expected(&verdict), "seed {seed}: {verdict}");
    }
}

#[test]
fn the_sound_model_is_clean_under_all_faults() {
    expect_always(|seed| Model::new(SOUND, seed).run(), Verdict::is_clean);
}

#[test]
fn each_defect_of_storing_and_delivering_is_caught() {
    let defects: [(Switches, IsExpected); 5] = [
        (Switches { dedup: false, ..SOUND }, |verdict| verdict.duplicated > 0),
        (Switches { catch_up: false, ..SOUND }, |verdict| verdict.missed > 0),
        (Switches { store_first: false, ..SOUND }, |verdict| verdict.never_stored > 0),
        (Switches { store_before_ack: false, ..SOUND }, |verdict| verdict.lost > 0),
        (Switches { in_order: false, ..SOUND }, |verdict| verdict.reordered > 0),
    ];
    for (switches, is_caught) in defects {
        println!("{switches:?}");
        expect_always(|seed| Model::new(switches, seed).run(), is_caught);
    }
}
