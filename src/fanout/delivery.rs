//! Queueing events for the connections that are subscribed to their room.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::connection::{Connection, ConnectionId};
use super::encode::{Frame, FrameKey, ReadyFrame, Style};
use super::hub::HubState;
use super::mentions::MentionFrames;
use crate::domain::{Event, Message, MessageId, OwnEvent, PresenceChange, RoomEvent, RoomId, UserId, UserRef};
use crate::metrics::Count;
use crate::store::SocketPush;
use crate::websocket::{Close, text_frame};

/// Changes of presence announced in a room per tick.
pub(super) const MAX_PRESENCE: usize = 200;

/// An event's frames, each encoded when the first connection needs it.
struct EncodedOnce<'a> {
    event: &'a RoomEvent,
    base_url: &'a str,
    /// The address at which the readers reach the server distinguishes frames only if the event depends on it.
    frames: Vec<(FrameKey, Option<Rc<str>>, Option<ReadyFrame>)>,
}

impl<'a> EncodedOnce<'a> {
    fn new(event: &'a RoomEvent, base_url: &'a str) -> Self {
        Self { event, base_url, frames: Vec::with_capacity(4) }
    }

    /// The frame for connections like this one; `None` when its dialect does not show the event.
    fn frame(&mut self, connection: &Connection) -> Option<&ReadyFrame> {
        let key = connection.encoder.key;
        let reader_url = depends_on_reader(self.event).then(|| Rc::clone(&connection.reader_url));
        let is_same = |(other, url, _): &(FrameKey, Option<Rc<str>>, _)| *other == key && *url == reader_url;
        let index = self.frames.iter().position(is_same).unwrap_or_else(|| {
            let frame = encode(connection, self.event, self.base_url).map(ReadyFrame::new);
            self.frames.push((key, reader_url, frame));
            self.frames.len() - 1
        });
        self.frames[index].2.as_ref()
    }
}

/// Whether readers who reach the server at different addresses see an event differently.
fn depends_on_reader(event: &RoomEvent) -> bool {
    matches!(&event.what, Event::Message(message) if message.has_hosted_file())
}

/// Encodes an event as a connection's dialect shows it.
fn encode(connection: &Connection, event: &RoomEvent, base_url: &str) -> Option<Frame> {
    let style = Style { is_extended: connection.encoder.key.is_extended, base_url };
    match &event.what {
        Event::Message(message) if message.has_hosted_file() => {
            let message = message.seen_at(&connection.reader_url).into_owned();
            let seen = RoomEvent { room: event.room, what: Event::Message(message.into()) };
            (connection.encoder.encode)(&seen, style)
        }
        _ => (connection.encoder.encode)(event, style),
    }
}

/// What became of an event.
#[derive(Default)]
struct Outcome {
    /// Connections for which it was queued.
    queued: u64,
    /// Users with a connection that had no room for it.
    fell_behind: Vec<UserId>,
}

impl HubState {
    /// Queues an event for all connections that are subscribed to its room.
    pub(super) fn deliver(&mut self, event: &RoomEvent) {
        let id = event.room.id;
        let message = match &event.what {
            Event::Message(message) => message,
            what => {
                match what {
                    Event::Rewound(rewind) => {
                        self.recent_amendments.forget(id);
                        self.rewind(id, rewind);
                    }
                    Event::Amended(amendment) => self.recent_amendments.push(id, amendment),
                    Event::Message(_)
                    | Event::Read(_)
                    | Event::Typing(_)
                    | Event::Presence(_)
                    | Event::RoomChanged { .. }
                    | Event::RoomRemoved(_) => {}
                }
                self.queue_for_subscribers(event);
                return;
            }
        };
        self.note_message(id, message);
        let Outcome { queued, fell_behind } = self.queue_for_subscribers(event);
        self.note_push(message, queued, fell_behind.len() as u64);
        if !fell_behind.is_empty() {
            self.record_before(id, message.id.entry.seq, fell_behind);
        }
    }

    /// Counts that a message was queued for sockets, and records it for traces of the message.
    fn note_push(&mut self, message: &Message, queued: u64, behind: u64) {
        if queued + behind == 0 {
            return;
        }
        let MessageId { room, entry } = message.id;
        let at_ms = self.store.now_ms();
        if queued > 0 {
            self.metrics.count_delivery(queued, Duration::from_millis(at_ms.saturating_sub(entry.at_ms)));
        }
        let bounded = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        self.pushes.note(room, entry.seq, SocketPush { at_ms, sockets: bounded(queued), behind: bounded(behind) });
    }

    /// Records a message as the room's last, and that its delivery has to be stored.
    fn note_message(&mut self, id: RoomId, message: &Message) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let seq = message.id.entry.seq;
        room.last = message.id.entry;
        if room.unrecorded.is_none() && !room.is_recording {
            self.unrecorded.push(id);
        }
        room.unrecorded = Some((room.unrecorded.map_or(seq, |(first, _)| first), seq));
    }

    fn queue_for_subscribers(&mut self, event: &RoomEvent) -> Outcome {
        let mut outcome = Outcome::default();
        let Self { rooms, connections, dirty, base_url, metrics, .. } = self;
        let Some(room) = rooms.get(&event.room.id) else { return outcome };
        let mut encoded = EncodedOnce::new(event, base_url);
        let mut mentions = MentionFrames::of(event);
        for slot in &room.connections {
            let Some(connection) = connections.get_mut(*slot) else { continue };
            let has_backlog = !connection.backlogs.is_empty();
            if connection.closing_since.is_some() || (has_backlog && connection.skips(event.room.id, &event.what)) {
                continue;
            }
            let Some(frame) = encoded.frame(connection) else { continue };
            if connection.send_queue.is_empty() {
                dirty.push(*slot);
            }
            let frame = mentions.follow(frame.for_viewer(connection.user), connection);
            if connection.send_queue.push(frame) {
                outcome.queued += 1;
                continue;
            }
            match &event.what {
                Event::Message(message) => {
                    if connection.fall_behind(event.room.id, message.id.entry) {
                        metrics.count(Count::Lagging);
                    }
                    outcome.fell_behind.push(connection.user);
                }
                // A connection that misses one of these cannot catch up on it later: the client reconnects and resumes.
                Event::Amended(_) | Event::RoomChanged { .. } | Event::RoomRemoved(_) | Event::Rewound(_) => {
                    connection.close(&Close::TOO_SLOW);
                    metrics.count(Count::ClosedSlow);
                }
                Event::Read(_) | Event::Typing(_) | Event::Presence(_) => {}
            }
        }
        outcome
    }

    /// Queues an event of a user for the user's connections.
    pub(super) fn tell_user(&mut self, user: UserId, event: &OwnEvent) {
        let Self { users, connections, dirty, metrics, .. } = self;
        for slot in users.get(&user).map(Vec::as_slice).unwrap_or_default() {
            let Some(connection) = connections.get_mut(*slot).filter(|it| it.closing_since.is_none()) else { continue };
            let style = Style { is_extended: connection.encoder.key.is_extended, base_url: &connection.reader_url };
            let Some(text) = (connection.encoder.encode_own)(event, style) else { continue };
            dirty.push(*slot);
            // A client that misses it reads what it needs once it is connected again.
            if !connection.send_queue.push(text_frame(&[&text])) {
                connection.close(&Close::TOO_SLOW);
                metrics.count(Count::ClosedSlow);
            }
        }
    }

    /// Queues a message for one connection again, unless catching up will bring it. With what was amended since it was
    /// read: the connection may have received that already.
    pub(super) fn resend_now(&mut self, id: ConnectionId, event: &RoomEvent) {
        let (room, what) = (event.room.id, &event.what);
        let Some(connection) = self.connections.get(id.slot).filter(|connection| connection.number == id.number) else {
            return;
        };
        if connection.is_behind(room, what) {
            return;
        }
        let Event::Message(message) = what else { return };
        let Some(message) = self.recent_amendments.apply(room, Message::clone(message)) else { return };
        let event = RoomEvent { room: event.room, what: Event::Message(Box::new(message)) };
        let frame = self.encode_for(connection, &event);
        if let (Some(frame), Some(connection)) = (frame, self.connection(id)) {
            connection.send_queue.force(frame);
            self.dirty.push(id.slot);
        }
    }

    /// Encodes an event for one connection.
    pub(super) fn encode_for(&self, connection: &Connection, event: &RoomEvent) -> Option<Bytes> {
        let frame = encode(connection, event, &self.base_url)?;
        let frame = ReadyFrame::new(frame).for_viewer(connection.user);
        Some(MentionFrames::of(event).follow(frame, connection))
    }

    /// Gathers a change of presence for the next tick.
    pub(super) fn gather_presence(&mut self, user: UserId, is_online: bool, rooms_and_name: &str) {
        let Some((rooms, name)) = rooms_and_name.split_once(' ') else { return };
        self.changed_meanwhile.note(user);
        let rooms = rooms.split(',').filter_map(|number| RoomId::new(number.parse().ok()?));
        for id in rooms {
            let Some(room) = self.rooms.get_mut(&id) else { continue };
            room.presence.retain(|change| change.user.id != user);
            if room.presence.len() < MAX_PRESENCE {
                let user = UserRef { id: user, name: name.to_owned() };
                room.presence.push(PresenceChange { user, is_online });
                self.presence.push(id);
            }
        }
    }

    /// Queues the collected changes of presence, one event per room.
    pub(super) fn announce_presence(&mut self) {
        for id in std::mem::take(&mut self.presence) {
            let Some(room) = self.rooms.get_mut(&id).filter(|room| !room.presence.is_empty()) else { continue };
            let what = Event::Presence(std::mem::take(&mut room.presence));
            let event = RoomEvent { room: room.head, what };
            self.deliver(&event);
        }
    }
}
