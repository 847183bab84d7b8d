//! A node's cache of outgoing webhooks, so that they add no cost to sends: the rooms that have webhooks, and those of
//! them in which a message was stored through this node.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore};

use crate::domain::{HookId, OutgoingHook, RoomId};

/// Requests to one address at the same time, by one node.
const REQUESTS_AT_ONCE: usize = 8;

/// A webhook, and the requests that it may still send at the same time.
pub(super) struct KnownHook {
    pub(super) hook: OutgoingHook,
    pub(super) requests: Semaphore,
}

#[derive(Default)]
struct Known {
    all: HashMap<HookId, Arc<KnownHook>>,
    /// Rooms that have webhooks of their own.
    rooms: HashSet<RoomId>,
    /// Whether a webhook is for all rooms.
    has_general: bool,
}

/// The webhooks of a node, and rooms in which they may have something to deliver.
#[derive(Default)]
pub struct HookedRooms {
    known: ArcSwap<Known>,
    /// The version of all webhooks that is known.
    version: Mutex<Option<String>>,
    touched: Mutex<HashSet<RoomId>>,
    changed: Notify,
}

impl HookedRooms {
    /// Records that a message was stored in a room. Without webhooks, this only reads memory.
    pub(super) fn touch(&self, room: RoomId) {
        let known = self.known.load();
        if known.has_general || known.rooms.contains(&room) {
            self.touched.lock().expect("no panic while held").insert(room);
            self.changed.notify_one();
        }
    }

    /// Waits until a room was touched.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The rooms that were touched since the last call.
    pub(super) fn take_touched(&self) -> HashSet<RoomId> {
        std::mem::take(&mut self.touched.lock().expect("no panic while held"))
    }

    /// The version of the cached webhooks.
    pub(super) fn version(&self) -> Option<String> {
        self.version.lock().expect("no panic while held").clone()
    }

    /// Replaces the cached webhooks by those of a version, as [`Self::set`].
    pub(super) fn set_version(&self, version: String, hooks: Vec<OutgoingHook>) -> HashSet<Option<RoomId>> {
        let removed = self.set(hooks);
        *self.version.lock().expect("no panic while held") = Some(version);
        removed
    }

    /// Replaces the cached webhooks by the stored ones. Returns the rooms of those that were removed, `None` for all rooms.
    pub(super) fn set(&self, hooks: Vec<OutgoingHook>) -> HashSet<Option<RoomId>> {
        let before = self.known.load();
        let mut known = Known::default();
        for hook in hooks {
            known.has_general |= hook.room.is_none();
            known.rooms.extend(hook.room);
            let is_known = before.all.get(&hook.id).map(Arc::clone);
            let id = hook.id.clone();
            let new = || Arc::new(KnownHook { hook, requests: Semaphore::new(REQUESTS_AT_ONCE) });
            known.all.insert(id, is_known.unwrap_or_else(new));
        }
        let removed = before.all.iter().filter(|(id, _)| !known.all.contains_key(*id));
        let rooms = removed.map(|(_, known)| known.hook.room).collect();
        self.known.store(Arc::new(known));
        rooms
    }

    /// Whether a webhook was not removed.
    pub(super) fn has(&self, hook: &HookId) -> bool {
        self.known.load().all.contains_key(hook)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.known.load().all.is_empty()
    }

    /// Whether there are any for all rooms.
    pub(super) fn has_general(&self) -> bool {
        self.known.load().has_general
    }

    /// The rooms that have webhooks of their own.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.known.load().rooms.iter().copied().collect()
    }

    /// The webhooks of a room, those of all rooms included.
    pub(super) fn of_room(&self, room: RoomId) -> Vec<Arc<KnownHook>> {
        let is_wanted = |known: &&Arc<KnownHook>| known.hook.room.is_none_or(|only| only == room);
        self.known.load().all.values().filter(is_wanted).map(Arc::clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HookOrigin, UserId};

    fn hook(room: Option<u32>) -> OutgoingHook {
        OutgoingHook {
            id: HookId::new().expect("drawn"),
            room: room.map(|number| RoomId::new(number).expect("a number")),
            url: "https://example.org/".parse().expect("an address"),
            secret: "secret".into(),
            origin: HookOrigin { made_by: UserId(1), made_at_ms: 1 },
        }
    }

    #[test]
    fn only_rooms_with_webhooks_are_noted() {
        let [one, two] = [1, 2].map(|number| RoomId::new(number).expect("a number"));
        let hooked = HookedRooms::default();
        hooked.touch(one);
        assert!(hooked.take_touched().is_empty());
        let (own, general) = (hook(Some(1)), hook(None));
        assert_eq!(hooked.set(vec![own.clone()]), HashSet::new());
        hooked.touch(one);
        hooked.touch(two);
        assert_eq!(hooked.take_touched(), HashSet::from([one]));
        let requests = Arc::as_ptr(&hooked.of_room(one)[0]);
        assert_eq!(hooked.set(vec![own.clone(), general.clone()]), HashSet::new());
        hooked.touch(two);
        assert_eq!(hooked.take_touched(), HashSet::from([two]));
        assert_eq!((hooked.of_room(one).len(), hooked.of_room(two).len()), (2, 1));
        assert!(hooked.of_room(one).iter().any(|known| Arc::as_ptr(known) == requests), "known ones stay");
        assert!(hooked.has(&own.id) && hooked.has_general());
        assert_eq!(hooked.set(Vec::new()), HashSet::from([None, Some(one)]));
        assert!(!hooked.has(&own.id) && hooked.of_room(one).is_empty());
    }
}
