//! The messages that a client has received, by the rules for clients of document 000 with `?ext=1`: after reconnecting,
//! a room is resumed from the last token; its messages are held until `resumed`, then each is received once; after
//! `not_recovered`, or without a token, the history is fetched and merged.

use std::collections::{BTreeMap, HashSet};

use chinwag::domain::EntryId;
use serde_json::{Value, json};

use super::checker::{Acknowledged, Received, Room, Seen};

/// The state of a room on a connection.
enum State {
    /// Messages are received as they arrive.
    Live,
    /// Messages are held until `resumed`.
    Resuming(Vec<Seen>),
    /// Messages are held until the history arrives.
    Reading(Vec<Seen>),
}

struct Taken {
    state: State,
    known: HashSet<EntryId>,
    messages: Vec<Seen>,
    /// The newest entry, including system messages.
    last: Option<EntryId>,
}

/// An unconfirmed send.
pub struct Pending {
    pub room: Room,
    pub client_id: String,
}

impl Pending {
    pub fn frame(&self) -> Value {
        let Self { room, client_id } = self;
        json!({"type": "send_message", "payload": {"room_id": room, "content": client_id, "client_id": client_id}})
    }
}

/// A client's state across its connections.
pub struct Memory {
    name: String,
    rooms: BTreeMap<Room, Taken>,
    pub pending: Vec<Pending>,
    pub acknowledged: Vec<Acknowledged>,
    pub not_recovered: usize,
}

impl Memory {
    pub fn new(name: &str, rooms: &[Room]) -> Self {
        let rooms = rooms.iter().map(|room| (*room, Taken::new(State::Live))).collect();
        Self { name: name.to_owned(), rooms, pending: Vec::new(), acknowledged: Vec::new(), not_recovered: 0 }
    }

    /// Updates the list of rooms. The history of new ones is fetched.
    pub fn enter(&mut self, rooms: impl IntoIterator<Item = Room>) {
        for room in rooms {
            self.rooms.entry(room).or_insert_with(|| Taken::new(State::Reading(Vec::new())));
        }
    }

    /// Begins a connection. Returns its first frames.
    pub fn connect(&mut self) -> Vec<Value> {
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

    /// Whether every room is live.
    pub fn is_live(&self) -> bool {
        self.rooms.values().all(|received| matches!(received.state, State::Live))
    }

    /// Whether every room has reached these entries.
    pub fn has_reached(&self, ends: &BTreeMap<Room, EntryId>) -> bool {
        let has_come = |(room, end): (&Room, &EntryId)| self.rooms.get(room).is_some_and(|it| it.last >= Some(*end));
        self.is_live() && ends.iter().all(has_come)
    }

    /// Handles a frame. Returns the frames to send in response.
    pub fn take(&mut self, frame: &Value) -> Option<Value> {
        let payload = &frame["payload"];
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
            "message_history" => self.take_history(room, payload["messages"].as_array()?),
            "resumed" => self.rooms.get_mut(&room)?.resumed(),
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
        let Some(seen) = look(message) else { return };
        let Some(received) = self.rooms.get_mut(&room) else { return };
        match &mut received.state {
            State::Live => {
                received.take(seen);
                self.acknowledge(room, message);
            }
            State::Resuming(held) | State::Reading(held) => held.push(seen),
        }
    }

    fn take_history(&mut self, room: Room, messages: &[Value]) {
        let listed: Vec<Seen> = messages.iter().filter_map(look).collect();
        let Some(received) = self.rooms.get_mut(&room) else { return };
        // A response to an earlier connection's request, or to a repeated one.
        if !matches!(received.state, State::Reading(_)) {
            return;
        }
        let mut all = std::mem::replace(&mut received.state, State::Live).held();
        all.extend(listed);
        all.sort_by_key(|seen| seen.place);
        all.into_iter().for_each(|seen| received.take(seen));
    }

    /// The client's own message, pushed to it, acknowledges its send. One that it reads does not.
    fn acknowledge(&mut self, room: Room, message: &Value) {
        let is_own = |pending: &Pending| message["client_id"] == *pending.client_id;
        let Some(Seen { place, .. }) = look(message) else { return };
        if let Some(index) = self.pending.iter().position(is_own) {
            let Pending { client_id, .. } = self.pending.swap_remove(index);
            self.acknowledged.push(Acknowledged { room, client_id, place });
        }
    }

    /// The received messages.
    pub fn received(self) -> Vec<Received> {
        let of =
            |(room, received): (Room, Taken)| Received { reader: self.name.clone(), room, messages: received.messages };
        self.rooms.into_iter().map(of).collect()
    }
}

impl Taken {
    fn new(state: State) -> Self {
        Self { state, known: HashSet::new(), messages: Vec::new(), last: None }
    }

    /// Receives a message unless it was received before.
    fn take(&mut self, seen: Seen) {
        self.last = self.last.max(Some(seen.place));
        let is_from_server = seen.text.is_empty();
        if self.known.insert(seen.place) && !is_from_server {
            self.messages.push(seen);
        }
    }

    /// Messages pushed before the server read the resumption are repeated in order: the later copy counts, so that the order
    /// is the one in which the server reads.
    fn resumed(&mut self) {
        let held = match std::mem::replace(&mut self.state, State::Live) {
            State::Resuming(held) => held,
            other => {
                self.state = other;
                return;
            }
        };
        for (index, seen) in held.iter().enumerate() {
            if held[index + 1..].iter().all(|later| later.place != seen.place) {
                self.take(seen.clone());
            }
        }
    }
}

impl State {
    fn held(self) -> Vec<Seen> {
        match self {
            Self::Live => Vec::new(),
            Self::Resuming(held) | Self::Reading(held) => held,
        }
    }
}

/// Reads a message. One of the server has an entry but no sender.
fn look(message: &Value) -> Option<Seen> {
    let place = EntryId::parse(message["resume"].as_str()?)?;
    let text = if message["user_id"] == 0 { "" } else { message["content"].as_str()? };
    Some(Seen { place, text: text.to_owned() })
}

/// A room's whole history.
pub fn fetch(room: Room) -> Value {
    json!({"type": "fetch_history", "payload": {"room_id": room, "page": 1, "page_size": 1000}})
}
