//! The direct rooms that this node has seen: a pair's room never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::domain::{RoomId, UserId};

/// Pairs remembered; about 40 bytes each.
const MAX_PAIRS: usize = 200_000;

/// Pair → room. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Directs(Arc<Mutex<HashMap<(UserId, UserId), RoomId>>>);

impl Directs {
    pub(super) fn get(&self, low: UserId, high: UserId) -> Option<RoomId> {
        self.0.lock().expect("no panic while held").get(&(low, high)).copied()
    }

    pub(super) fn insert(&self, low: UserId, high: UserId, room: RoomId) {
        let mut pairs = self.0.lock().expect("no panic while held");
        if pairs.len() >= MAX_PAIRS {
            pairs.clear(); // simpler than picking the oldest, and the rest is read again when it is used
        }
        pairs.insert((low, high), room);
    }

    pub(super) fn remove(&self, low: UserId, high: UserId) {
        self.0.lock().expect("no panic while held").remove(&(low, high));
    }
}
