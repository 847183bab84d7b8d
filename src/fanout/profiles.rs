//! Telling all connections who changed the profile. Everybody shares the global room with everybody, so there is nobody to
//! leave out but the user, whose connections learn of it at once. Changes are gathered and told once a second, so that a user
//! who changes the profile often costs no more than that.

use std::rc::Rc;

use bytes::Bytes;

use super::connection::Connection;
use super::encode::{FrameKey, Style};
use super::hub::HubState;
use crate::domain::{ChangedProfile, OwnEvent, UserId};
use crate::websocket::text_frame;

/// Users whose changes are told at once; further ones wait for the next tick.
const MAX_AT_ONCE: usize = 200;

impl HubState {
    /// Gathers a changed profile for the next tick.
    pub(super) fn gather_profile(&mut self, user: UserId, change: ChangedProfile) {
        self.profiles.entry(user).or_default().merge(change);
    }

    /// Queues the gathered changes for all connections whose dialect shows them. A connection without room for them misses
    /// them, and reads the names when it reads its rooms.
    pub(super) fn announce_profiles(&mut self) {
        if self.profiles.is_empty() {
            return;
        }
        let gathered = std::iter::from_fn(|| self.profiles.pop_first());
        let changes: Vec<_> = gathered.take(MAX_AT_ONCE).collect();
        let event = OwnEvent::ProfilesChanged(changes.clone());
        // Pictures of the server have the address at which the reader reaches it.
        let mut frames: Vec<(FrameKey, Rc<str>, Option<Bytes>)> = Vec::new();
        for (slot, connection) in &mut self.connections {
            if connection.closing_since.is_some() {
                continue;
            }
            let frame = if changes.iter().any(|(user, _)| *user == connection.user) {
                encode(connection, &without(&changes, connection.user))
            } else {
                let (key, url) = (connection.encoder.key, &connection.reader_url);
                let known = frames.iter().position(|(other, base, _)| *other == key && base == url);
                let index = known.unwrap_or_else(|| {
                    frames.push((key, Rc::clone(url), encode(connection, &event)));
                    frames.len() - 1
                });
                frames[index].2.clone()
            };
            if let Some(frame) = frame
                && connection.send_queue.push(frame)
            {
                self.dirty.push(slot);
            }
        }
    }
}

/// The changes of all users but one, who learns of them otherwise.
fn without(changes: &[(UserId, ChangedProfile)], user: UserId) -> OwnEvent {
    OwnEvent::ProfilesChanged(changes.iter().filter(|(other, _)| *other != user).cloned().collect())
}

fn encode(connection: &Connection, event: &OwnEvent) -> Option<Bytes> {
    if matches!(event, OwnEvent::ProfilesChanged(changes) if changes.is_empty()) {
        return None;
    }
    let style = Style { is_extended: connection.encoder.key.is_extended, base_url: &connection.reader_url };
    (connection.encoder.encode_own)(event, style).map(|text| text_frame(&[&text]))
}
