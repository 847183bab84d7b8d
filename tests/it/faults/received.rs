//! The messages that a client has received, by the rules for clients of document 000 with `?ext=1`: after reconnecting,
//! a room is resumed from the last token; its messages are held until `resumed`, then each is received once; after
//! `not_recovered`, or without a token, the history is fetched and merged. Amendments are held with the messages.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chinwag::domain::{EntryId, Seq};
use serde_json::{Value, json};

use super::amended::{Named, Shown, Told};
use super::checker::{Acknowledged, Received, Room, Seen, now_ms};
use super::readings::{Reading, Readings};

/// The state of a room on a connection.
enum State {
    /// Messages are received as they arrive.
    Live,
    /// Messages are held until `resumed`.
    Resuming(Vec<Heard>),
    /// Messages are held until the history arrives.
    Reading(Vec<Heard>),
}

/// What arrived of a room.
enum Heard {
    Message(Seen, Reading),
    Amendment(Value),
}

struct Taken {
    state: State,
    known: HashSet<EntryId>,
    messages: Vec<Seen>,
    readings: Readings,
    /// The messages that mention the user.
    mentions: BTreeSet<Seq>,
    /// The newest entry, including system messages.
    last: Option<EntryId>,
}

/// An unconfirmed send.
pub struct Pending {
    pub room: Room,
    pub client_id: String,
    /// The member whom the text names.
    pub named: Option<(String, u64)>,
}

impl Pending {
    pub fn frame(&self) -> Value {
        let Self { room, client_id, named } = self;
        let content = match named {
            Some((name, _)) => format!("{client_id} @{name}"),
            None => client_id.clone(),
        };
        json!({"type": "send_message", "payload": {"room_id": room, "content": content, "client_id": client_id}})
    }
}

/// A client's state across its connections.
pub struct Memory {
    name: String,
    user: u64,
    rooms: BTreeMap<Room, Taken>,
    pub pending: Vec<Pending>,
    pub acknowledged: Vec<Acknowledged>,
    pub named: Vec<Named>,
    /// A message that mentions the user: the event follows.
    mentioning: Option<u64>,
    /// How often it did not.
    pub untold: usize,
    /// Connections so far.
    connections: usize,
    pub not_recovered: usize,
}

impl Memory {
    /// The memory of a user with this number, who is in these rooms.
    pub fn new(name: &str, user: u64, rooms: &[Room]) -> Self {
        Self {
            name: name.to_owned(),
            user,
            rooms: rooms.iter().map(|room| (*room, Taken::new(State::Live))).collect(),
            pending: Vec::new(),
            acknowledged: Vec::new(),
            named: Vec::new(),
            mentioning: None,
            untold: 0,
            connections: 0,
            not_recovered: 0,
        }
    }

    /// Updates the list of rooms. The history of new ones is fetched.
    pub fn enter(&mut self, rooms: impl IntoIterator<Item = Room>) {
        for room in rooms {
            self.rooms.entry(room).or_insert_with(|| Taken::new(State::Reading(Vec::new())));
        }
    }

    /// Begins a connection. Returns its first frames.
    pub fn connect(&mut self) -> Vec<Value> {
        self.mentioning = None;
        self.connections += 1;
        let mut tokens = serde_json::Map::new();
        for (room, received) in &mut self.rooms {
            received.state = match received.last {
                Some(last) => {
                    tokens.insert(room.to_string(), json!(last.to_string()));
                    State::Resuming(Vec::new())
                }
                None => State::Reading(Vec::new()),
            };
        }
        let resume = (!tokens.is_empty()).then(|| json!({"type": "resume", "payload": {"rooms": tokens}}));
        resume.into_iter().chain(self.fetches()).collect()
    }

    /// The requests for histories that are still missing.
    pub fn fetches(&self) -> Vec<Value> {
        let reading = self.rooms.iter().filter(|(_, received)| matches!(received.state, State::Reading(_)));
        reading.map(|(room, _)| fetch(*room)).collect()
    }

    /// The unconfirmed sends to try again. None while a room is being resumed: the copy that answers a retry could not be told
    /// from the one in the room's order, which may be on its way.
    pub fn retries(&self) -> Vec<Value> {
        match self.is_live() {
            true => self.pending.iter().map(Pending::frame).collect(),
            false => Vec::new(),
        }
    }

    /// Whether every room is live.
    pub fn is_live(&self) -> bool {
        self.rooms.values().all(|received| matches!(received.state, State::Live))
    }

    /// Whether every room has reached these entries.
    pub fn has_reached(&self, ends: &BTreeMap<Room, EntryId>) -> bool {
        let has_come = |(room, end): (&Room, &EntryId)| self.rooms.get(room).is_some_and(|it| it.last >= Some(*end));
        self.is_live() && ends.iter().all(has_come)
    }

    /// Whether every message reads as it is stored.
    pub fn agrees_with(&self, truth: &BTreeMap<Room, BTreeMap<Seq, Reading>>) -> bool {
        self.rooms.iter().all(|(room, it)| truth.get(room).is_none_or(|truth| it.readings.agree_with(truth)))
    }

    /// How the messages of a room read.
    pub fn shown(&self, room: Room) -> Option<&BTreeMap<Seq, Reading>> {
        Some(&self.rooms.get(&room)?.readings.by_seq)
    }

    /// Handles a frame. Returns the frames to send in response.
    pub fn take(&mut self, frame: &Value) -> Option<Value> {
        let payload = &frame["payload"];
        if let Some(id) = self.mentioning.take() {
            self.untold += usize::from(frame["type"] != "mentioned" || payload["id"] != id);
        }
        if frame["type"] == "new_message" && Reading::of(payload).mentions.contains(&self.user) {
            self.mentioning = payload["id"].as_u64();
        }
        let room = payload["room_id"].as_u64().and_then(|room| Room::try_from(room).ok())?;
        let kind = frame["type"].as_str()?;
        if matches!(kind, "new_message" | "member_added") && !self.rooms.contains_key(&room) {
            // The user was added to a room: fetches its history, which includes this message.
            self.enter([room]);
            return Some(fetch(room));
        }
        match kind {
            "new_message" => self.take_message(room, payload),
            "member_added" | "member_removed" => self.take_message(room, &payload["message"]),
            "message_edited" | "mentions_changed" | "reaction" | "reactions" | "pinned" => {
                self.take_amendment(room, frame)
            }
            "message_history" => self.take_history(room, payload["messages"].as_array()?),
            "resumed" => self.rooms.get_mut(&room)?.resumed(self.user),
            "not_recovered" => {
                self.not_recovered += 1;
                let received = self.rooms.get_mut(&room)?;
                let held = std::mem::replace(&mut received.state, State::Live).held();
                received.state = State::Reading(held);
                // The history decides what is last: what was may be lost.
                received.last = None;
                return Some(fetch(room));
            }
            _ => {}
        }
        None
    }

    fn take_message(&mut self, room: Room, message: &Value) {
        let Some(received) = self.rooms.get_mut(&room) else { return };
        let Some(seen) = look(message, self.connections, received.state.name()) else { return };
        let reading = Reading::of(message);
        match &mut received.state {
            State::Live => {
                received.take(seen, reading, self.user);
                self.acknowledge(room, message);
            }
            State::Resuming(held) | State::Reading(held) => held.push(Heard::Message(seen, reading)),
        }
    }

    fn take_amendment(&mut self, room: Room, frame: &Value) {
        let Some(received) = self.rooms.get_mut(&room) else { return };
        match &mut received.state {
            State::Live => received.readings.amend(frame),
            State::Resuming(held) | State::Reading(held) => held.push(Heard::Amendment(frame.clone())),
        }
    }

    /// A page is newer than the copies of its messages that arrived meanwhile. Amendments that arrived are applied again: the
    /// page has those that are older than itself, and those that are newer follow.
    fn take_history(&mut self, room: Room, messages: &[Value]) {
        let Some(received) = self.rooms.get_mut(&room) else { return };
        // A response to an earlier connection's request, or to a repeated one.
        if !matches!(received.state, State::Reading(_)) {
            return;
        }
        let (mut all, mut amendments) = (BTreeMap::new(), Vec::new());
        for heard in std::mem::replace(&mut received.state, State::Live).held() {
            match heard {
                Heard::Message(seen, reading) => drop(all.insert(seen.place, (seen, reading))),
                Heard::Amendment(frame) => amendments.push(frame),
            }
        }
        for message in messages {
            if let Some(seen) = look(message, self.connections, "history") {
                all.insert(seen.place, (seen, Reading::of(message)));
            }
        }
        for (seen, reading) in all.into_values() {
            received.take(seen, reading, self.user);
        }
        amendments.iter().for_each(|frame| received.readings.amend(frame));
    }

    /// The client's own message, pushed to it, acknowledges its send. One that it reads does not.
    fn acknowledge(&mut self, room: Room, message: &Value) {
        let is_own = |pending: &Pending| message["client_id"] == *pending.client_id;
        let Some(Seen { place, .. }) = look(message, self.connections, "live") else { return };
        if let Some(index) = self.pending.iter().position(is_own) {
            let Pending { client_id, named, .. } = self.pending.swap_remove(index);
            self.named.extend(named.map(|(_, user)| Named { room, seq: place.seq, user }));
            self.acknowledged.push(Acknowledged { room, client_id, place });
        }
    }

    /// The received messages.
    pub fn received(&mut self) -> Vec<Received> {
        let reader = &self.name;
        let of = |(room, it): (&Room, &mut Taken)| {
            let messages = std::mem::take(&mut it.messages);
            Received { reader: reader.clone(), room: *room, messages }
        };
        self.rooms.iter_mut().map(of).collect()
    }

    /// How they read in the end, and the mentions of which the user was told.
    pub fn into_shown(self) -> (Vec<Shown>, Vec<Told>) {
        let Self { name, user, rooms, .. } = self;
        let of = |(room, Taken { readings, mentions, .. })| {
            let shown = Shown { reader: name.clone(), room, readings, is_text_alone: false };
            (shown, Told { user, room, seqs: mentions })
        };
        rooms.into_iter().map(of).unzip()
    }
}

impl Taken {
    fn new(state: State) -> Self {
        let (known, messages, readings) = (HashSet::new(), Vec::new(), Readings::default());
        Self { state, known, messages, readings, mentions: BTreeSet::new(), last: None }
    }

    /// Receives a message unless it was received before. The later copy tells how it reads.
    fn take(&mut self, seen: Seen, reading: Reading, user: u64) {
        self.last = self.last.max(Some(seen.place));
        let is_from_server = seen.text.is_empty();
        if !is_from_server {
            if reading.mentions.contains(&user) {
                self.mentions.insert(seen.place.seq);
            }
            self.readings.take(seen.place.seq, reading);
        }
        if self.known.insert(seen.place) && !is_from_server {
            self.messages.push(seen);
        }
    }

    /// Messages pushed before the server read the resumption are repeated in order: the later copy counts, so that the order
    /// is the one in which the server reads.
    fn resumed(&mut self, user: u64) {
        let held = match std::mem::replace(&mut self.state, State::Live) {
            State::Resuming(held) => held,
            other => {
                self.state = other;
                return;
            }
        };
        let is_copied = |place: EntryId, later: &[Heard]| {
            later.iter().any(|later| matches!(later, Heard::Message(seen, _) if seen.place == place))
        };
        for (index, heard) in held.iter().enumerate() {
            match heard {
                Heard::Message(seen, _) if is_copied(seen.place, &held[index + 1..]) => {}
                Heard::Message(seen, reading) => self.take(seen.clone(), reading.clone(), user),
                Heard::Amendment(frame) => self.readings.amend(frame),
            }
        }
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Resuming(_) => "resuming",
            Self::Reading(_) => "reading",
        }
    }

    fn held(self) -> Vec<Heard> {
        match self {
            Self::Live => Vec::new(),
            Self::Resuming(held) | Self::Reading(held) => held,
        }
    }
}

/// Reads a message. One of the server has an entry but no sender. The first word of the others identifies the send.
fn look(message: &Value, connection: usize, way: &str) -> Option<Seen> {
    let place = EntryId::parse(message["resume"].as_str()?)?;
    let text = if message["user_id"] == 0 { "" } else { first_word(message["content"].as_str()?) };
    let how = format!("connection {connection}, {way}, at {}", now_ms());
    Some(Seen { place, text: text.to_owned(), how })
}

/// The part of a text that mentions and edits leave as it is.
pub fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

/// A room's whole history.
pub fn fetch(room: Room) -> Value {
    json!({"type": "fetch_history", "payload": {"room_id": room, "page": 1, "page_size": 1000}})
}

#[test]
fn sends_are_tried_again_once_the_rooms_are_resumed() {
    let mut memory = Memory::new("someone", 1, &[8]);
    memory.pending.push(Pending { room: 8, client_id: "someone-1".to_owned(), named: None });
    memory.rooms.get_mut(&8).expect("entered").last = EntryId::parse("5-10");
    assert_eq!(memory.connect().len(), 1, "it resumes");
    assert!(memory.retries().is_empty());
    memory.take(&json!({"type": "resumed", "payload": {"room_id": 8}}));
    assert_eq!(memory.retries().len(), 1);
}
