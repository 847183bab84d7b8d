//! Handing events to the connections that look at their room.

use std::time::Duration;

use bytes::Bytes;

use super::connection::{Connection, ConnectionId};
use super::frame::{FrameKey, ReadyFrame, Style};
use super::worker::{HubState, TOO_SLOW, TRY_AGAIN_LATER};
use crate::domain::{Change, Event, PresenceChange, RoomEvent, RoomId, UserId, UserRef, now_ms};
use crate::metrics::Count;

/// Changes of presence told of a room in one tick.
const MAX_PRESENCE: usize = 200;

impl HubState {
    /// Hands an event to everyone who looks at its room.
    pub(super) fn deliver(&mut self, event: &RoomEvent) {
        let id = event.room.id;
        let change = match &event.what {
            Event::Message(message) => message.change.clone(),
            _ => None,
        };
        if let Some(Change::Added(user)) = &change {
            self.admit(user, event.room);
        }
        let HubState { rooms, connections, dirty, base_url, metrics, .. } = self;
        let Some(room) = rooms.get_mut(&id) else { return };
        if let Event::Message(message) = &event.what {
            let seq = message.id.entry.seq;
            room.last = message.id.entry;
            if room.pushed.is_none() && !room.is_marking {
                self.unmarked.push(id);
            }
            room.pushed = Some((room.pushed.map_or(seq, |(first, _)| first), seq));
        }
        let mut fallen = Vec::new();
        let mut reached = 0;
        let mut printed: Vec<(FrameKey, Option<ReadyFrame>)> = Vec::with_capacity(4);
        for slot in &room.connections {
            let Some(connection) = connections.get_mut(*slot) else { continue };
            if connection.closing_since.is_some()
                || (!connection.backlogs.is_empty() && connection.skips(id, &event.what))
            {
                continue;
            }
            let key = connection.encoder.key;
            let index = printed.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
                let style = Style { is_extended: key.is_extended, base_url };
                printed.push((key, (connection.encoder.encode)(event, style).map(ReadyFrame::new)));
                printed.len() - 1
            });
            let Some(frame) = &printed[index].1 else { continue };
            let is_idle = connection.send_queue.is_empty();
            let has_room = connection.send_queue.push(frame.for_viewer(connection.user));
            match &event.what {
                _ if has_room => reached += 1,
                Event::Message(message) => {
                    if connection.fall_behind(id, message.id.entry) {
                        metrics.count(Count::Lagging);
                    }
                    fallen.push(connection.user);
                }
                // It could not be told later what else was deleted: it comes back and reads anew.
                Event::Deleted(_) => {
                    connection.close(TRY_AGAIN_LATER, TOO_SLOW);
                    metrics.count(Count::ClosedSlow);
                }
                Event::Read(_) | Event::Typing(_) | Event::Presence(_) => {}
            }
            if is_idle {
                dirty.push(*slot);
            }
        }
        if let (Event::Message(message), 1..) = (&event.what, reached) {
            let delay_ms = now_ms().saturating_sub(message.id.entry.at_ms);
            metrics.count_delivery(reached, Duration::from_millis(delay_ms));
        }
        if let (Event::Message(message), false) = (&event.what, fallen.is_empty()) {
            self.mark_before(id, message.id.entry.seq, fallen);
        }
        if let Some(Change::Removed(user)) = &change {
            self.user_left(user.id, id);
        }
    }

    /// Queues a message that one connection is to see again, unless it is about to be read to it.
    pub(super) fn resend_now(&mut self, id: ConnectionId, event: &RoomEvent) {
        let (room, what) = (event.room.id, &event.what);
        let Some(connection) = self.connections.get(id.slot).filter(|connection| connection.number == id.number) else {
            return;
        };
        if connection.is_behind(room, what) {
            return;
        }
        let frame = self.print(connection, event);
        if let (Some(frame), Some(connection)) = (frame, self.connection(id)) {
            connection.send_queue.force(frame);
            self.dirty.push(id.slot);
        }
    }

    pub(super) fn gather_presence(&mut self, user: UserId, is_online: bool, rooms_and_name: &str) {
        let Some((rooms, name)) = rooms_and_name.split_once(' ') else { return };
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

    pub(super) fn tell_presence(&mut self) {
        for id in std::mem::take(&mut self.presence) {
            let Some(room) = self.rooms.get_mut(&id).filter(|room| !room.presence.is_empty()) else { continue };
            let what = Event::Presence(std::mem::take(&mut room.presence));
            let event = RoomEvent { room: room.head, what };
            self.deliver(&event);
        }
    }

    /// Prints an event for one connection.
    pub(super) fn print(&self, connection: &Connection, event: &RoomEvent) -> Option<Bytes> {
        let style = Style { is_extended: connection.encoder.key.is_extended, base_url: &self.base_url };
        let frame = ReadyFrame::new((connection.encoder.encode)(event, style)?);
        Some(frame.for_viewer(connection.user))
    }
}
