//! Tests of the checker of amendments, and of the rules by which clients follow them: a sound model of a server is clean,
//! and models that are broken in one way are not.

use chinwag::domain::{MessageId, RoomId, Seq};
use serde_json::{Value, json};

use super::amended::{Amended, Change, Changed, Counted, Named, Part};
use super::checker::{History, Room, Verdict, check};
use super::mutants::{IsExpected, expect_always};
use super::random::Random;
use super::readings::{Reading, edited_text};
use super::received::Memory;

const ROOM: Room = 7;
const WRITER: u64 = 1;
const READERS: u64 = 4;
const MESSAGES: u64 = 10;
const CHANGES: u64 = 400;
const EMOJI: [&str; 2] = ["👍", "🚀"];

/// Properties of the model; each `false` is a defect.
#[derive(Clone, Copy, Debug)]
struct Switches {
    /// An amendment is stored before it is acknowledged.
    store_before_ack: bool,
    /// Events that were lost are read from the store.
    repair: bool,
    /// Amendments are stored in the order in which they are acknowledged.
    store_in_order: bool,
    /// Events arrive in the order in which amendments are stored.
    announce_in_order: bool,
    /// Those whom a message mentions are told.
    tell_mentions: bool,
    /// All mentions are counted.
    count_mentions: bool,
}

const SOUND: Switches = Switches {
    store_before_ack: true,
    repair: true,
    store_in_order: true,
    announce_in_order: true,
    tell_mentions: true,
    count_mentions: true,
};

/// A client, and how many amendments it has heard of.
struct Reader {
    memory: Memory,
    revision: usize,
    is_connected: bool,
}

struct Model {
    switches: Switches,
    random: Random,
    amended: Amended,
    /// The events of all stored amendments.
    events: Vec<(Part, Value)>,
    readers: Vec<Reader>,
    /// Acknowledged changes that are not stored yet.
    delayed: Vec<Changed>,
    /// Events that are not announced yet.
    late: Vec<usize>,
}

fn id_of(seq: Seq) -> u64 {
    let start = MessageId { room: RoomId::new(ROOM).expect("not zero"), entry: chinwag::domain::EntryId::at(seq) };
    start.to_integer()
}

/// The reader whom a message mentions.
fn mentioned(seq: u64) -> u64 {
    100 + seq % READERS
}

impl Model {
    fn new(switches: Switches, seed: u64) -> Self {
        let reader = |number: u64| {
            let memory = Memory::new(&number.to_string(), 100 + number, &[ROOM]);
            Reader { memory, revision: 0, is_connected: true }
        };
        let readers = (0..READERS).map(reader).collect();
        let (random, amended) = (Random::new(seed), Amended::default());
        Self { switches, random, amended, events: Vec::new(), readers, delayed: Vec::new(), late: Vec::new() }
    }

    /// Changes messages with random faults. Everyone is connected at the end; the first reader always is.
    fn run(mut self) -> Verdict {
        (1..=MESSAGES).for_each(|seq| self.send(seq));
        for number in 0..CHANGES {
            for reader in 1..READERS as usize {
                match self.random.between(0, 20) {
                    0 => self.readers[reader].is_connected = false,
                    1..5 if !self.readers[reader].is_connected => self.connect(reader),
                    _ => {}
                }
            }
            let changed = self.change(number);
            while !self.attempt(&changed) {}
            self.amended.changed.push(changed);
        }
        for changed in std::mem::take(&mut self.delayed) {
            self.store(&changed);
        }
        for late in std::mem::take(&mut self.late) {
            self.announce(&[late]);
        }
        for reader in 0..READERS as usize {
            if !self.readers[reader].is_connected {
                self.connect(reader);
            } else if self.switches.repair && self.switches.announce_in_order {
                self.hand_up_to(reader, self.events.len());
            }
        }
        self.judge()
    }

    fn judge(mut self) -> Verdict {
        for reader in std::mem::take(&mut self.readers) {
            self.amended.untold += reader.memory.untold;
            let (shown, told) = reader.memory.into_shown();
            self.amended.shown.extend(shown);
            self.amended.told.extend(told);
        }
        let mentions = (1..=MESSAGES).filter(|seq| mentioned(*seq) == 100).count();
        let mentions = mentions - usize::from(!self.switches.count_mentions);
        self.amended.counted.push(Counted { user: 100, room: ROOM, mentions });
        check(&History { amended: self.amended, ..History::default() })
    }

    fn send(&mut self, seq: u64) {
        let user = mentioned(seq);
        let id = id_of(Seq(seq));
        let message = json!({
            "id": id, "room_id": ROOM, "user_id": WRITER, "content": format!("m-{seq}"), "resume": format!("{seq}-10"),
            "mentions": [{"user_id": user, "name": "reader"}]
        });
        self.amended.truth.entry(ROOM).or_default().insert(Seq(seq), Reading::of(&message));
        self.amended.named.push(Named { room: ROOM, seq: Seq(seq), user });
        for (number, reader) in (100..).zip(&mut self.readers) {
            reader.memory.take(&json!({"type": "new_message", "payload": message}));
            if number == user && self.switches.tell_mentions {
                reader.memory.take(&json!({"type": "mentioned", "payload": {"room_id": ROOM, "id": id}}));
            }
            reader.memory.take(&json!({"type": "pong", "payload": {}}));
        }
    }

    fn change(&mut self, number: u64) -> Changed {
        let seq = self.random.between(1, MESSAGES + 1);
        let change = match self.random.between(0, 4) {
            0 | 1 => Change::Edit(edited_text(&format!("m-{seq}"), number + 1)),
            2 => Change::React { emoji: EMOJI[self.random.between(0, 2) as usize], is_on: self.random.is_hit(50) },
            _ => Change::Pin(self.random.is_hit(50)),
        };
        Changed { user: WRITER, room: ROOM, seq: Seq(seq), change, is_acknowledged: true }
    }

    /// Tries once. Returns whether it was acknowledged.
    fn attempt(&mut self, changed: &Changed) -> bool {
        if self.random.is_hit(5) {
            return false; // it never arrived
        }
        let is_crash = self.random.is_hit(20);
        if is_crash && !self.switches.store_before_ack {
            return true;
        }
        let index = self.delayed.iter().position(|delayed| delayed.subject() == changed.subject());
        if !self.switches.store_in_order && index.is_none() && self.random.is_hit(30) {
            self.delayed.push(changed.clone());
            return true;
        }
        let delayed = index.map(|index| self.delayed.remove(index));
        for changed in [Some(changed), delayed.as_ref()].into_iter().flatten() {
            let stored = self.store(changed);
            if let Some(event) = stored.filter(|_| !is_crash || !self.switches.announce_in_order) {
                self.announce_in_turn(event);
            }
        }
        !is_crash && !self.random.is_hit(5) // or the acknowledgement is lost
    }

    /// Stores a change. Returns the number of its event, or `None` if it is no change.
    fn store(&mut self, changed: &Changed) -> Option<usize> {
        let now = format!("{:09}", self.events.len());
        let reading = self.amended.truth.get_mut(&ROOM)?.get_mut(&changed.seq)?;
        let before = reading.clone();
        let mut payload = json!({"room_id": ROOM, "id": id_of(changed.seq), "user_id": WRITER});
        let kind = match &changed.change {
            Change::Edit(text) => {
                (payload["content"], payload["edited_at"]) = (json!(text), json!(now));
                if reading.text != *text {
                    (reading.text, reading.edited_at) = (text.clone(), Some(now));
                }
                "message_edited"
            }
            Change::React { emoji, is_on } => {
                (payload["emoji"], payload["on"]) = (json!(emoji), json!(is_on));
                let users = reading.reactions.entry((*emoji).to_owned()).or_default();
                let _is_change = if *is_on { users.insert(WRITER) } else { users.remove(&WRITER) };
                reading.reactions.retain(|_, users| !users.is_empty());
                "reaction"
            }
            Change::Pin(is_on) => {
                payload["on"] = json!(is_on);
                reading.is_pinned = *is_on;
                "pinned"
            }
        };
        if *reading == before {
            return None;
        }
        self.events.push((changed.subject().2, json!({"type": kind, "payload": payload})));
        Some(self.events.len() - 1)
    }

    /// Announces an event, or another one of the same part before it.
    fn announce_in_turn(&mut self, index: usize) {
        let part = |index: usize| (self.events[index].0, &self.events[index].1["payload"]["id"]);
        let late = self.late.iter().position(|late| part(*late) == part(index));
        if !self.switches.announce_in_order && late.is_none() && self.random.is_hit(30) {
            self.late.push(index);
            return;
        }
        let late = late.map(|late| self.late.remove(late));
        let both: Vec<usize> = [index].into_iter().chain(late).collect();
        self.announce(&both);
    }

    /// Announces events to those who are connected. Some of them lose one.
    fn announce(&mut self, indexes: &[usize]) {
        for reader in 0..READERS as usize {
            if !self.readers[reader].is_connected {
                continue;
            }
            if !self.switches.announce_in_order {
                indexes.iter().for_each(|index| drop(self.readers[reader].memory.take(&self.events[*index].1)));
                continue;
            }
            for index in indexes {
                if !self.random.is_hit(20) {
                    // Detects a gap and fills it.
                    let first = if self.switches.repair { 0 } else { *index };
                    let revision = &mut self.readers[reader].revision;
                    *revision = first.max(*revision);
                    self.hand_up_to(reader, index + 1);
                }
            }
        }
    }

    /// Delivers the events that a reader has not heard of.
    fn hand_up_to(&mut self, reader: usize, end: usize) {
        let reader = &mut self.readers[reader];
        for index in reader.revision..end {
            reader.memory.take(&self.events[index].1);
        }
        reader.revision = reader.revision.max(end);
    }

    /// Connects a reader, who resumes: the messages that were amended meanwhile are told as they read now.
    fn connect(&mut self, reader: usize) {
        let truth = &self.amended.truth[&ROOM];
        let Reader { memory, revision, is_connected } = &mut self.readers[reader];
        *is_connected = true;
        let asked = memory.connect();
        assert_eq!(asked[0]["type"], "resume");
        for (seq, reading) in truth {
            let of_message = |kind: &str, key: &str, value: Value| {
                let mut payload = json!({"room_id": ROOM, "id": id_of(*seq), "user_id": WRITER});
                payload[key] = value;
                json!({"type": kind, "payload": payload})
            };
            if let Some(edited_at) = &reading.edited_at {
                let mut edit = of_message("message_edited", "content", json!(reading.text));
                edit["payload"]["edited_at"] = json!(edited_at);
                memory.take(&edit);
            }
            let reactions: Vec<Value> =
                reading.reactions.iter().map(|(emoji, users)| json!({"emoji": emoji, "users": users})).collect();
            memory.take(&of_message("reactions", "reactions", json!(reactions)));
            memory.take(&of_message("pinned", "on", json!(reading.is_pinned)));
        }
        memory.take(&json!({"type": "resumed", "payload": {"room_id": ROOM}}));
        *revision = self.events.len();
    }
}

#[test]
fn the_sound_model_is_clean_under_all_faults() {
    expect_always(|seed| Model::new(SOUND, seed).run(), Verdict::is_clean);
}

#[test]
fn each_defect_of_amending_and_mentioning_is_caught() {
    let is_out_of_order = |verdict: &Verdict| verdict.undone > 0 && verdict.outdated > 0;
    let defects: [(Switches, IsExpected); 6] = [
        (Switches { store_before_ack: false, ..SOUND }, |verdict| verdict.undone > 0),
        (Switches { repair: false, ..SOUND }, |verdict| verdict.diverged > 0),
        (Switches { store_in_order: false, ..SOUND }, is_out_of_order),
        (Switches { announce_in_order: false, ..SOUND }, |verdict| verdict.diverged > 0),
        (Switches { tell_mentions: false, ..SOUND }, |verdict| verdict.unmentioned > 0),
        (Switches { count_mentions: false, ..SOUND }, |verdict| verdict.unmentioned > 0),
    ];
    for (switches, is_caught) in defects {
        println!("{switches:?}");
        expect_always(|seed| Model::new(switches, seed).run(), is_caught);
    }
}
