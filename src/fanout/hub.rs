//! A worker's hub: which of its connections look at which rooms.
//!
//! A worker is one thread, so nothing here is locked. An event comes once per worker; it is printed once per kind
//! of frame; everything queued for a connection leaves in one write. A connection that takes its frames too slowly
//! is left behind and read to from the stream later ([`super::catch_up`]); it delays nobody.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use slab::Slab;
use tokio::task::spawn_local;

use super::frame::{FrameKey, ReadyFrame, Style, close_frame};
use super::outbox::Flushed;
use super::rooms::{Fanout, Inlet, Item};
use super::seat::{Ending, Missing, Newcomer, RoomChange, Seat, SeatId};
use crate::domain::{
    Change, EntryId, Error, Happening, Kind, PresenceChange, Result, RoomEvent, RoomHead, RoomId, Sender, Seq, UserId,
};
use crate::store::{Store, UserEvent};

/// Items taken from the queue before what they queued is written.
const ITEMS_AT_ONCE: usize = 256;
const TICK: Duration = Duration::from_secs(1);
/// Changes of presence told of a room in one tick.
const MAX_PRESENCE: usize = 200;
/// A close frame may wait for this long behind what is queued.
const CLOSING: Duration = Duration::from_secs(2);
/// A newcomer is refused when its rooms are not followed by then: another node may do better.
const ENTERING: Duration = Duration::from_millis(1500);

/// RFC 6455, §7.4.1: the connection did not take its frames, or the node could not; it may come back and resume.
pub(super) const TRY_AGAIN_LATER: u16 = 1013;
pub(super) const TOO_SLOW: &str = "too slow, come back and resume";

/// A room that connections of this worker look at.
pub(super) struct Room {
    pub(super) head: RoomHead,
    pub(super) seats: Vec<usize>,
    /// The last message that this worker has handed on.
    pub(super) last: EntryId,
    /// Messages handed on that are not noted as delivered yet.
    pub(super) pushed: Option<(Seq, Seq)>,
    pub(super) is_marking: bool,
    /// Until when it counts as too large for receipts.
    pub(super) unmarked_until: Option<Instant>,
    presence: Vec<PresenceChange>,
}

pub(super) struct Inner {
    worker: usize,
    pub(super) fanout: Fanout,
    pub(super) store: Store,
    base_url: String,
    /// A connection may be behind for this long.
    lagging: Duration,
    pub(super) seats: Slab<Seat>,
    pub(super) rooms: HashMap<RoomId, Room>,
    /// Rooms that connections are about to look at.
    entering: HashMap<RoomId, usize>,
    users: HashMap<UserId, Vec<usize>>,
    /// Seats with something to write.
    dirty: Vec<usize>,
    scratch: Vec<u8>,
    seats_so_far: u64,
    /// Rooms in which messages were handed on since they were last noted as delivered.
    pub(super) unmarked: Vec<RoomId>,
    presence: Vec<RoomId>,
}

/// A handle to a worker's hub; clones are of the same.
#[derive(Clone)]
pub struct Hub(pub(super) Rc<RefCell<Inner>>);

impl Hub {
    /// A hub for the worker whose thread this is, inside its runtime. Paths of ours get `base_url` in front; who is
    /// behind for longer than `lagging` is closed.
    pub fn start(fanout: &Fanout, store: Store, base_url: &str, lagging: Duration) -> Self {
        let inlet = fanout.add_worker();
        let hub = Self(Rc::new(RefCell::new(Inner {
            worker: inlet.worker,
            fanout: fanout.clone(),
            store,
            base_url: base_url.trim_end_matches('/').to_owned(),
            lagging,
            seats: Slab::new(),
            rooms: HashMap::new(),
            entering: HashMap::new(),
            users: HashMap::new(),
            dirty: Vec::new(),
            scratch: Vec::new(),
            seats_so_far: 0,
            unmarked: Vec::new(),
            presence: Vec::new(),
        })));
        spawn_local(listen(Rc::downgrade(&hub.0), inlet));
        spawn_local(tend(Rc::downgrade(&hub.0)));
        hub
    }

    /// Takes a connection in. It looks at no room yet, but changes of its user's rooms count from now on.
    pub fn take_seat(&self, newcomer: Newcomer) -> (SeatId, Ending) {
        let mut inner = self.0.borrow_mut();
        inner.seats_so_far += 1;
        let number = inner.seats_so_far;
        let user = newcomer.user;
        let seat = Seat::new(number, newcomer);
        let ending = seat.ending.clone();
        let slot = inner.seats.insert(seat);
        inner.users.entry(user).or_default().push(slot);
        (SeatId { slot, number }, ending)
    }

    /// Makes a connection look at its user's rooms. From the return on, every message of theirs reaches it.
    ///
    /// # Errors
    /// `Unavailable` when a room's events cannot be had.
    pub async fn enter(&self, id: SeatId, rooms: &[RoomId]) -> Result<()> {
        let entering: Vec<Entering> = rooms.iter().map(|room| Entering::new(self, *room)).collect();
        let outcomes = tokio::time::timeout(ENTERING, join_all(entering.iter().map(Entering::follow))).await;
        let outcomes = outcomes.map_err(|_| Error::Unavailable("events of rooms do not arrive".into()))?;
        let mut inner = self.0.borrow_mut();
        for outcome in outcomes {
            match outcome {
                Ok(head) => inner.sit(id, head, None),
                // A list may name a room that is gone.
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let changes = inner.seat(id).and_then(|seat| seat.changes.take()).unwrap_or_default();
        drop(inner);
        for change in changes {
            match change {
                RoomChange::Joined(room, ..) if self.looks_at(id, room) => {}
                RoomChange::Joined(room, since, since_ms) => {
                    self.join(id, room, Missing { since_ms, ..Missing::behind(room, before(since)) });
                }
                RoomChange::Left(room) => self.0.borrow_mut().rise(id, room),
            }
        }
        Ok(())
    }

    /// Makes a connection look at one more room, with what it has missed there.
    fn join(&self, id: SeatId, room: RoomId, missing: Missing) {
        match self.0.borrow_mut().seat(id) {
            Some(seat) if !seat.joining.contains(&room) => seat.joining.push(room),
            _ => return,
        }
        let hub = self.clone();
        spawn_local(async move {
            let entering = Entering::new(&hub, room);
            let head = entering.follow().await;
            {
                let mut inner = hub.0.borrow_mut();
                let is_wanted = inner.seat(id).is_some_and(|seat| seat.stops_joining(room));
                match head {
                    Ok(head) if is_wanted => inner.sit(id, head, Some(missing)),
                    Ok(_) => {}
                    Err(error) => tracing::debug!(room.id = %room, %error, "room not entered"),
                }
            }
            drop(entering);
            hub.catch_up(id);
        });
    }

    /// The connection is the hub's from now on: frames may be written.
    pub fn open(&self, id: SeatId) {
        if let Some(seat) = self.0.borrow_mut().seat(id) {
            seat.outbox.is_open = true;
        }
        self.flush_seat(id);
        self.catch_up(id);
    }

    /// Whether a connection looks at a room.
    pub fn looks_at(&self, id: SeatId, room: RoomId) -> bool {
        self.0.borrow_mut().seat(id).is_some_and(|seat| seat.rooms.contains(&room))
    }

    /// The rooms that a connection looks at.
    pub fn rooms(&self, id: SeatId) -> Vec<RoomId> {
        self.0.borrow_mut().seat(id).map(|seat| seat.rooms.clone()).unwrap_or_default()
    }

    /// Sends a frame to one connection, behind what is queued.
    pub fn send(&self, id: SeatId, frame: Bytes) {
        if let Some(seat) = self.0.borrow_mut().seat(id) {
            seat.outbox.force(frame);
        }
        self.flush_seat(id);
    }

    /// Shows a message again to one connection, in its place: behind what came before it in the room. One that the
    /// room has not come to on this node is not shown, because it is about to come.
    pub fn show_again(&self, id: SeatId, event: RoomEvent) {
        let (fanout, worker) = {
            let inner = self.0.borrow();
            (inner.fanout.clone(), inner.worker)
        };
        if self.looks_at(id, event.room.id) {
            return fanout.show_again(worker, id, event);
        }
        self.0.borrow_mut().show(id, &event);
        self.flush_seat(id);
    }

    /// Bytes that wait for a connection.
    pub fn queued_bytes(&self, id: SeatId) -> usize {
        self.0.borrow_mut().seat(id).map_or(0, |seat| seat.outbox.queued_bytes())
    }

    /// Closes a connection with a code, behind what is queued.
    pub fn close(&self, id: SeatId, code: u16, reason: &str) {
        if let Some(seat) = self.0.borrow_mut().seat(id) {
            seat.close(close_frame(code, reason));
        }
        self.flush_seat(id);
    }

    /// The connection is gone.
    pub fn leave(&self, id: SeatId) {
        let mut inner = self.0.borrow_mut();
        let Some(seat) = inner.seat(id) else { return };
        let (rooms, user) = (std::mem::take(&mut seat.rooms), seat.user);
        for room in rooms {
            inner.remove_from_room(id.slot, room);
        }
        if let Some(slots) = inner.users.get_mut(&user) {
            slots.retain(|slot| *slot != id.slot);
            if slots.is_empty() {
                inner.users.remove(&user);
            }
        }
        inner.seats.remove(id.slot);
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.0.borrow().seats.len()
    }

    fn take(&self, item: Item) {
        match item {
            Item::Room(event) => self.0.borrow_mut().deliver(&event),
            Item::Again(id, event) => self.0.borrow_mut().show(id, &event),
            Item::User(event) => self.take_user_event(&event),
            Item::Reconnected => {
                spawn_local(super::catch_up::refresh(self.clone()));
            }
        }
    }

    fn take_user_event(&self, event: &UserEvent) {
        match event {
            UserEvent::Joined { user, room, since } => self.user_joined(*user, *room, *since),
            UserEvent::Left { user, room } => self.0.borrow_mut().user_left(*user, *room),
            UserEvent::Presence { user, is_online, rooms_and_name } => {
                let is_here = self.0.borrow().users.contains_key(user);
                self.0.borrow_mut().gather_presence(*user, *is_online || is_here, rooms_and_name);
                if is_here && !is_online {
                    self.contradict(*user, rooms_and_name.clone());
                }
            }
            UserEvent::Revoked { .. } | UserEvent::Renamed { .. } => {}
        }
    }

    /// Another node believes that a user is gone who is here.
    fn contradict(&self, user: UserId, rooms_and_name: String) {
        let store = self.0.borrow().store.clone();
        spawn_local(async move {
            let event = UserEvent::Presence { user, is_online: true, rooms_and_name };
            if let Err(error) = store.announce(user, &event).await {
                tracing::debug!(%error, "presence not told");
            }
        });
    }

    fn user_joined(&self, user: UserId, room: RoomId, since: Seq) {
        let ids = self.0.borrow_mut().note_change(user, RoomChange::Joined(room, since, 0));
        for id in ids.into_iter().filter(|id| !self.looks_at(*id, room)) {
            self.join(id, room, Missing::behind(room, before(since)));
        }
    }

    /// The users of this worker.
    pub(super) fn users(&self) -> Vec<UserId> {
        self.0.borrow().users.keys().copied().collect()
    }

    /// What a user's connections look at.
    pub(super) fn looked_at(&self, user: UserId) -> Vec<(SeatId, Vec<RoomId>)> {
        let ids = self.0.borrow().seats_of(user);
        ids.into_iter().map(|id| (id, self.rooms(id))).collect()
    }

    /// Compares a user's rooms with what their connections looked at before the rooms were read, after events may
    /// have been missed. Messages of rooms that are new then count from `since_ms` on.
    pub(super) fn compare(&self, before: &[(SeatId, Vec<RoomId>)], rooms: &[RoomId], since_ms: u64) {
        for (id, before) in before {
            for room in before.iter().filter(|room| !rooms.contains(room)) {
                self.0.borrow_mut().rise(*id, *room);
            }
            for room in rooms.iter().filter(|room| !before.contains(room)) {
                if let Some(changes) = self.0.borrow_mut().seat(*id).and_then(|seat| seat.changes.as_mut()) {
                    changes.push(RoomChange::Joined(*room, Seq(1), since_ms));
                } else if !self.looks_at(*id, *room) {
                    self.join(*id, *room, Missing { since_ms, ..Missing::behind(*room, Seq(0)) });
                }
            }
        }
    }

    /// Writes what is queued for a connection.
    pub(super) fn flush_seat(&self, id: SeatId) {
        if self.0.borrow_mut().seat(id).is_some() {
            self.0.borrow_mut().dirty.push(id.slot);
            self.flush();
        }
    }

    /// Writes what is queued for all that have something new.
    pub(super) fn flush(&self) {
        let mut blocked = Vec::new();
        let mut behind = Vec::new();
        {
            let inner = &mut *self.0.borrow_mut();
            for slot in inner.dirty.drain(..) {
                let Some(seat) = inner.seats.get_mut(slot) else { continue };
                let id = SeatId { slot, number: seat.number };
                match seat.outbox.flush(&mut inner.scratch) {
                    Ok(Flushed::All) if seat.closing_since.is_some() => seat.ending.end(),
                    Ok(Flushed::All) if !seat.missing.is_empty() => behind.push(id),
                    Ok(Flushed::All) => {}
                    Ok(Flushed::Blocked) if seat.outbox.is_open && !seat.outbox.is_waiting => {
                        seat.outbox.is_waiting = true;
                        blocked.push(id);
                    }
                    Ok(Flushed::Blocked) => {}
                    // The connection is gone. Its socket stays writable from now on, for ever.
                    Err(_) => {
                        seat.outbox.give_up();
                        seat.ending.end();
                    }
                }
            }
        }
        for id in blocked {
            spawn_local(wait_for_room(self.clone(), id));
        }
        for id in behind {
            self.catch_up(id);
        }
    }
}

/// A room that a connection is about to look at: followed for as long as this lives, whatever becomes of the
/// connection meanwhile.
struct Entering {
    hub: Hub,
    room: RoomId,
}

impl Entering {
    fn new(hub: &Hub, room: RoomId) -> Self {
        *hub.0.borrow_mut().entering.entry(room).or_default() += 1;
        Self { hub: hub.clone(), room }
    }

    async fn follow(&self) -> Result<RoomHead> {
        let (fanout, worker) = {
            let inner = self.hub.0.borrow();
            (inner.fanout.clone(), inner.worker)
        };
        fanout.enter(self.room, worker).await
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        self.hub.0.borrow_mut().has_entered(self.room);
    }
}

fn before(seq: Seq) -> Seq {
    Seq(seq.0.saturating_sub(1))
}

/// Writes on whenever a socket takes more, until nothing is left.
async fn wait_for_room(hub: Hub, id: SeatId) {
    let Some(stream) = hub.0.borrow_mut().seat(id).map(|seat| Rc::clone(seat.outbox.stream())) else { return };
    while stream.writable().await.is_ok() {
        hub.flush_seat(id);
        let mut inner = hub.0.borrow_mut();
        let Some(seat) = inner.seat(id) else { return };
        if seat.outbox.is_empty() {
            seat.outbox.is_waiting = false;
            return;
        }
    }
}

/// Takes what the node hands out, for as long as the hub lives.
async fn listen(hub: Weak<RefCell<Inner>>, mut inlet: Inlet) {
    let mut items = Vec::with_capacity(ITEMS_AT_ONCE);
    while inlet.items.recv_many(&mut items, ITEMS_AT_ONCE).await > 0 {
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        if inlet.is_overrun.swap(false, Ordering::AcqRel) {
            tracing::error!("this worker does not keep up with its rooms, its connections are closed and resume");
            hub.0.borrow_mut().close_all(TRY_AGAIN_LATER, "the server was too slow, come back and resume");
        }
        for item in items.drain(..) {
            hub.take(item);
        }
        hub.flush();
        hub.mark_delivered();
        tokio::task::yield_now().await;
    }
}

/// Tells gathered changes of presence and ends connections that had their time.
async fn tend(hub: Weak<RefCell<Inner>>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        hub.0.borrow_mut().tell_presence();
        hub.0.borrow_mut().end_overdue();
        hub.flush();
    }
}

impl Inner {
    pub(super) fn seat(&mut self, id: SeatId) -> Option<&mut Seat> {
        self.seats.get_mut(id.slot).filter(|seat| seat.number == id.number)
    }

    fn seats_of(&self, user: UserId) -> Vec<SeatId> {
        let slots = self.users.get(&user).map(Vec::as_slice).unwrap_or_default();
        slots.iter().filter_map(|slot| Some(SeatId { slot: *slot, number: self.seats.get(*slot)?.number })).collect()
    }

    /// Connections of a user whose rooms are known; the others note the change.
    fn note_change(&mut self, user: UserId, change: RoomChange) -> Vec<SeatId> {
        let mut ready = self.seats_of(user);
        ready.retain(|id| match self.seat(*id).and_then(|seat| seat.changes.as_mut()) {
            Some(changes) => {
                changes.push(change);
                false
            }
            None => true,
        });
        ready
    }

    /// A connection looks at a room from now on.
    fn sit(&mut self, id: SeatId, head: RoomHead, missing: Option<Missing>) {
        let is_new = self.seat(id).is_some_and(|seat| !seat.rooms.contains(&head.id));
        if !is_new {
            return;
        }
        // What was handed on before is not delivered to the newcomer.
        if self.rooms.get(&head.id).is_some_and(|room| room.pushed.is_some()) {
            self.mark_now(head.id);
        }
        if let Some(seat) = self.seat(id) {
            seat.rooms.push(head.id);
            seat.missing.extend(missing);
        }
        let room = self.rooms.entry(head.id).or_insert_with(|| Room {
            head,
            seats: Vec::new(),
            last: EntryId { seq: Seq(0), at_ms: 0 },
            pushed: None,
            is_marking: false,
            unmarked_until: None,
            presence: Vec::new(),
        });
        room.seats.push(id.slot);
    }

    /// A connection looks at a room no more.
    fn rise(&mut self, id: SeatId, room: RoomId) {
        if let Some(seat) = self.seat(id) {
            seat.stops_joining(room);
            seat.rooms.retain(|other| *other != room);
            seat.missing.retain(|missing| missing.room != room);
            self.remove_from_room(id.slot, room);
        }
    }

    fn remove_from_room(&mut self, slot: usize, id: RoomId) {
        // What it was shown is delivered, though it goes.
        self.mark_now(id);
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if let Some(index) = room.seats.iter().position(|other| *other == slot) {
            room.seats.swap_remove(index);
        }
        self.let_go(id);
    }

    /// Stops following a room that nobody looks at or is about to.
    fn let_go(&mut self, id: RoomId) {
        let is_empty = self.rooms.get(&id).is_none_or(|room| room.seats.is_empty());
        if is_empty && !self.entering.contains_key(&id) {
            self.rooms.remove(&id);
            self.fanout.exit(id, self.worker);
        }
    }

    fn has_entered(&mut self, room: RoomId) {
        if let Some(count) = self.entering.get_mut(&room) {
            *count -= 1;
            if *count == 0 {
                self.entering.remove(&room);
                self.let_go(room);
            }
        }
    }

    fn user_left(&mut self, user: UserId, room: RoomId) {
        for id in self.note_change(user, RoomChange::Left(room)) {
            self.rise(id, room);
        }
    }

    /// Hands an event to everyone who looks at its room.
    fn deliver(&mut self, event: &RoomEvent) {
        let id = event.room.id;
        let change = match &event.what {
            Happening::Message(message) => message.change.clone(),
            _ => None,
        };
        if let Some(Change::Added(user)) = &change {
            self.admit(user, event.room);
        }
        let Inner { rooms, seats, dirty, base_url, .. } = self;
        let Some(room) = rooms.get_mut(&id) else { return };
        if let Happening::Message(message) = &event.what {
            let seq = message.id.entry.seq;
            room.last = message.id.entry;
            if room.pushed.is_none() && !room.is_marking {
                self.unmarked.push(id);
            }
            room.pushed = Some((room.pushed.map_or(seq, |(first, _)| first), seq));
        }
        let mut fallen = Vec::new();
        let mut printed: Vec<(FrameKey, Option<ReadyFrame>)> = Vec::with_capacity(4);
        for slot in &room.seats {
            let Some(seat) = seats.get_mut(*slot) else { continue };
            if seat.closing_since.is_some() || (!seat.missing.is_empty() && seat.skips(id, &event.what)) {
                continue;
            }
            let key = seat.encoder.key;
            let index = printed.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
                let style = Style { is_extended: key.is_extended, base_url };
                printed.push((key, (seat.encoder.encode)(event, style).map(ReadyFrame::new)));
                printed.len() - 1
            });
            let Some(frame) = &printed[index].1 else { continue };
            let is_idle = seat.outbox.is_empty();
            let has_room = seat.outbox.push(frame.for_viewer(seat.user));
            match &event.what {
                _ if has_room => {}
                Happening::Message(message) => {
                    seat.fall_behind(id, message.id.entry);
                    fallen.push(seat.user);
                }
                // It could not be told later what else was deleted: it comes back and reads anew.
                Happening::Deleted(_) => seat.close(close_frame(TRY_AGAIN_LATER, TOO_SLOW)),
                Happening::Read(_) | Happening::Typing(_) | Happening::Presence(_) => {}
            }
            if is_idle {
                dirty.push(*slot);
            }
        }
        if let (Happening::Message(message), false) = (&event.what, fallen.is_empty()) {
            self.mark_before(id, message.id.entry.seq, fallen);
        }
        if let Some(Change::Removed(user)) = &change {
            self.user_left(user.id, id);
        }
    }

    /// Queues a message that one connection is to see again, unless it is about to be read to it.
    fn show(&mut self, id: SeatId, event: &RoomEvent) {
        let (room, what) = (event.room.id, &event.what);
        let Some(seat) = self.seats.get(id.slot).filter(|seat| seat.number == id.number) else { return };
        if seat.is_behind(room, what) {
            return;
        }
        let frame = self.print(seat, event);
        if let (Some(frame), Some(seat)) = (frame, self.seat(id)) {
            seat.outbox.force(frame);
            self.dirty.push(id.slot);
        }
    }

    /// A user becomes a member: their connections see the message that says so.
    fn admit(&mut self, user: &Sender, head: RoomHead) {
        for id in self.seats_of(user.id) {
            if self.seat(id).is_some_and(|seat| seat.changes.is_none()) && self.rooms.contains_key(&head.id) {
                self.sit(id, head, None);
            }
        }
    }

    fn close_all(&mut self, code: u16, reason: &str) {
        let slots: Vec<usize> = self.seats.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(seat) = self.seats.get_mut(slot) {
                seat.close(close_frame(code, reason));
                self.dirty.push(slot);
            }
        }
    }

    fn gather_presence(&mut self, user: UserId, is_online: bool, rooms_and_name: &str) {
        let Some((rooms, name)) = rooms_and_name.split_once(' ') else { return };
        let rooms = rooms.split(',').filter_map(|number| RoomId::new(number.parse().ok()?));
        for id in rooms {
            let Some(room) = self.rooms.get_mut(&id) else { continue };
            room.presence.retain(|change| change.user.id != user);
            if room.presence.len() < MAX_PRESENCE {
                let user = Sender { id: user, name: name.to_owned() };
                room.presence.push(PresenceChange { user, is_online });
                self.presence.push(id);
            }
        }
    }

    fn tell_presence(&mut self) {
        for id in std::mem::take(&mut self.presence) {
            let Some(room) = self.rooms.get_mut(&id).filter(|room| !room.presence.is_empty()) else { continue };
            let what = Happening::Presence(std::mem::take(&mut room.presence));
            let event = RoomEvent { room: room.head, what };
            self.deliver(&event);
        }
    }

    /// Ends connections that do not take their close frame, closes those that are behind for too long.
    fn end_overdue(&mut self) {
        for (slot, seat) in &mut self.seats {
            if seat.closing_since.is_some_and(|since| since.elapsed() > CLOSING) {
                seat.ending.end();
            }
            if seat.missing.is_empty() {
                seat.lagging_since = None;
            }
            if seat.lagging_since.is_some_and(|since| since.elapsed() > self.lagging) {
                seat.close(close_frame(TRY_AGAIN_LATER, TOO_SLOW));
                self.dirty.push(slot);
            }
        }
    }

    /// Prints an event for one connection.
    pub(super) fn print(&self, seat: &Seat, event: &RoomEvent) -> Option<Bytes> {
        let style = Style { is_extended: seat.encoder.key.is_extended, base_url: &self.base_url };
        let frame = ReadyFrame::new((seat.encoder.encode)(event, style)?);
        Some(frame.for_viewer(seat.user))
    }
}
