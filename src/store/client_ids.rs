//! Where the client ids of messages are remembered.
//!
//! Ids of clients are fields of two hashes per room, which `lua/append_message.lua` describes: about 30 bytes instead of 250
//! for a key with an expiry. Ids of proxies are remembered for a minute only, as keys of their own. The previous version
//! kept all ids so. For two days after the first node of this version came to existing data, ids of clients are kept both
//! ways: old nodes then recognise retries of what new ones stored, and the other way round.

use std::sync::atomic::Ordering;

use sha2::{Digest, Sha256};

use super::Store;
use crate::domain::{ClientId, RoomId, UserId};

/// Field of the global room: when client ids began to be kept in hashes. 0 when they always were.
pub(super) const SINCE_FIELD: &str = "ids_since";
/// Time for an upgrade of all nodes, and for which the last old node's ids are remembered.
const BOTH_WAYS_MS: u64 = 2 * 24 * 60 * 60 * 1000;
/// Length of a field of the hashes. Two ids of a busy room, a million a day, share one once in ten million days.
const FIELD_BYTES: usize = 8;

/// The places of one client id.
#[derive(Default)]
pub(super) struct ClientIdKeys {
    /// Key of its own, which is also its name.
    string: Option<String>,
    /// Whether the id is remembered under that key.
    is_kept_as_string: bool,
    /// Hashes, and the field in them.
    hashes: Option<([String; 2], [u8; FIELD_BYTES])>,
}

impl ClientIdKeys {
    /// The key of its own and the two hashes, or `none` for those that do not apply.
    pub(super) fn keys<'a>(&'a self, none: &'a str) -> [&'a str; 3] {
        let string = self.name().filter(|_| self.is_kept_as_string).unwrap_or(none);
        match &self.hashes {
            Some(([first, second], _)) => [string, first, second],
            None => [string, none, none],
        }
    }

    /// A text that no other id of any user and room has.
    pub(super) fn name(&self) -> Option<&str> {
        self.string.as_deref()
    }

    /// The field in the hashes; empty when they do not apply.
    pub(super) fn field(&self) -> &[u8] {
        self.hashes.as_ref().map_or(&[], |(_, field)| field)
    }
}

impl Store {
    /// Returns where a client id of a user is remembered in a room.
    pub(super) fn client_id_keys(&self, room: RoomId, user: UserId, id: Option<&ClientId>) -> ClientIdKeys {
        let Some(id) = id else { return ClientIdKeys::default() };
        let is_own = id.own().is_some();
        ClientIdKeys {
            string: Some(self.keys.sent(room, user, id)),
            is_kept_as_string: !is_own || self.now_ms() < self.both_ways_until_ms.load(Ordering::Relaxed),
            hashes: is_own.then(|| (self.keys.client_ids(room), field(user, id))),
        }
    }

    /// Records when client ids began to be kept in hashes.
    pub(super) fn client_ids_since(&self, since_ms: u64) {
        let until_ms = if since_ms == 0 { 0 } else { since_ms + BOTH_WAYS_MS };
        self.both_ways_until_ms.store(until_ms, Ordering::Relaxed);
    }
}

fn field(user: UserId, id: &ClientId) -> [u8; FIELD_BYTES] {
    let digest = Sha256::digest(format!("{user}:{}", id.as_str()));
    std::array::from_fn(|at| digest[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_differ_by_user_and_id() {
        let id = |text: &str| ClientId::parse(text).expect("visible");
        assert_ne!(field(UserId(1), &id("a")), field(UserId(2), &id("a")));
        assert_ne!(field(UserId(1), &id("a")), field(UserId(1), &id("b")));
        assert_ne!(field(UserId(1), &id("1:a")), field(UserId(11), &id("a")));
    }
}
