//! How far the rooms have come that clients of this node poll, so that a poll with nothing new costs no
//! round trip.
//!
//! A polled room is subscribed for as long as it is polled. Its watermark is used only while the feed is up
//! and after one read that followed the subscription; from then on events raise it. Only public rooms are
//! kept, because they are open to every user's reading.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::domain::{EntryId, RoomId, Seq, Watermark};
use crate::store::{Delivery, Feed, RoomEvent, Store, UserEvent};

/// A room that nobody polled for this long is no longer watched.
const WATCHED_FOR: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Most rooms watched at once; polls of others go to Redis.
const MAX_ROOMS: usize = 50_000;

const NOTHING: Watermark = Watermark { last: EntryId { seq: Seq(0), at_ms: 0 }, deletions: 0 };

struct LiveRoom {
    known: Watermark,
    /// Whether `known` has been read since the subscription.
    is_current: bool,
    polled_at: Instant,
}

/// The polled rooms of a node. Clones share them.
#[derive(Clone)]
pub struct LiveRooms {
    rooms: Arc<Mutex<HashMap<RoomId, LiveRoom>>>,
    feed: Feed,
}

impl LiveRooms {
    /// No rooms yet; [`Self::listen`] must run for them to become current.
    pub fn new(feed: Feed) -> Self {
        Self { rooms: Arc::default(), feed }
    }

    /// Whether pub/sub delivery works.
    pub fn is_up(&self) -> bool {
        self.feed.is_up()
    }

    /// How far a public room has come, when this node knows; asking keeps the room watched. `None` says
    /// nothing about the room: read it from the store.
    pub fn watermark(&self, room: RoomId) -> Option<Watermark> {
        if !self.feed.is_up() {
            return None;
        }
        let mut rooms = self.rooms.lock().expect("no panic while held");
        let live = rooms.get_mut(&room)?;
        live.polled_at = Instant::now();
        live.is_current.then_some(live.known)
    }

    /// Begins to watch a room that someone polls and may read.
    pub fn watch(&self, room: RoomId) {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        if rooms.len() >= MAX_ROOMS || rooms.contains_key(&room) || !self.feed.subscribe(room) {
            return;
        }
        rooms.insert(room, LiveRoom { known: NOTHING, is_current: false, polled_at: Instant::now() });
    }

    /// Takes deliveries until there are no more. `on_user_event` gets what concerns users.
    pub async fn listen(
        self,
        mut deliveries: mpsc::Receiver<Delivery>,
        store: Store,
        on_user_event: impl Fn(UserEvent),
    ) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                delivery = deliveries.recv() => match delivery {
                    Some(delivery) => self.take(delivery, &store, &on_user_event),
                    None => return,
                },
                _ = sweep.tick() => self.forget_unpolled(),
            }
        }
    }

    fn take(&self, delivery: Delivery, store: &Store, on_user_event: &impl Fn(UserEvent)) {
        match delivery {
            Delivery::Connected => {
                tokio::spawn(restore(store.clone()));
            }
            Delivery::Subscribed(room) => {
                tokio::spawn(self.clone().read(room, store.clone()));
            }
            Delivery::Room(room, RoomEvent::Stored(id)) => self.raise(room, id, 0, false),
            Delivery::Room(room, RoomEvent::Deleted { id, deletions }) => self.raise(room, id, deletions, false),
            Delivery::User(event) => on_user_event(event),
            Delivery::Lost => {
                let mut rooms = self.rooms.lock().expect("no panic while held");
                // Redis may come back without its latest writes: nothing known before counts.
                rooms.values_mut().for_each(|live| (live.known, live.is_current) = (NOTHING, false));
            }
        }
    }

    /// Reads a room once after its subscription. Events that come meanwhile and this reading may overtake
    /// each other, which is harmless: both only raise.
    async fn read(self, room: RoomId, store: Store) {
        match store.public_watermark(room).await {
            Ok(Some(known)) => self.raise(room, known.last, known.deletions, true),
            Ok(None) => self.forget(room),
            Err(error) => {
                debug!(room.id = %room, %error, "room not read, polls go to Redis");
                self.forget(room);
            }
        }
    }

    fn raise(&self, room: RoomId, last: EntryId, deletions: u64, is_reading: bool) {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        let Some(live) = rooms.get_mut(&room) else { return };
        if last.seq > live.known.last.seq {
            live.known.last = last;
        }
        live.known.deletions = live.known.deletions.max(deletions);
        live.is_current |= is_reading;
    }

    fn forget(&self, room: RoomId) {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        if self.feed.unsubscribe(room) {
            rooms.remove(&room);
        }
    }

    fn forget_unpolled(&self) {
        let mut rooms = self.rooms.lock().expect("no panic while held");
        rooms.retain(|room, live| live.polled_at.elapsed() < WATCHED_FOR || !self.feed.unsubscribe(*room));
    }
}

/// Redis may have come back empty: the room that always exists is made again.
async fn restore(store: Store) {
    if let Err(error) = store.ensure_global_room().await {
        warn!(%error, "the global room was not made sure of");
    }
}
