//! A worker's loop: passes events to the hub and checks every connection once a second.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::{Rc, Weak};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::task::spawn_local;
use tokio::time::MissedTickBehavior;
use tracing::error;

use super::connection::Verdict;
use super::followed_rooms::FollowedRooms;
use super::hub::{Hub, HubState};
use super::worker_queue::{WorkerEvent, WorkerQueue};
use crate::domain::UserId;
use crate::metrics::{Count, Gauge};
use crate::store::Store;
use crate::websocket::{Close, Opcode, control_frame};

/// Events that are handled before the queued frames are written.
const EVENTS_AT_ONCE: usize = 256;
const TICK: Duration = Duration::from_secs(1);
/// How long a close frame may wait behind what is queued.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause before the loop starts again after a panic.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

impl Hub {
    /// Starts a hub on the worker thread that calls, inside its runtime. `base_url` is put before the server's own
    /// paths; a connection that lags for longer than `max_lag` is closed.
    pub fn start(followed_rooms: &FollowedRooms, store: Store, base_url: &str, max_lag: Duration) -> Self {
        let queue = followed_rooms.add_worker();
        let hub = Self::new(queue.worker, followed_rooms, store, base_url, max_lag);
        spawn_local(supervise(Rc::downgrade(&hub.0), queue));
        hub
    }

    fn handle(&self, event: WorkerEvent) {
        match event {
            WorkerEvent::Room(event) => self.deliver(&event),
            WorkerEvent::Resend(id, event) => self.0.borrow_mut().resend_now(id, &event),
            WorkerEvent::Gap(room) => {
                let mut state = self.0.borrow_mut();
                let slots = state.rooms.get(&room).map(|room| room.connections.clone()).unwrap_or_default();
                state.close_slots(slots, &Close::MESSAGES_GONE);
            }
            WorkerEvent::User(event) => self.handle_user_event(&event),
            WorkerEvent::Trace(question) => self.0.borrow().answer(&question),
            WorkerEvent::Reconnected => {
                spawn_local(super::catch_up::refresh(self.clone()));
            }
        }
    }

    /// Closes those connections of a user that may not go on after tokens ended, without waiting for the next tick.
    pub(super) fn check_user(&self, user: UserId) {
        let mut state = self.0.borrow_mut();
        let slots = state.users.get(&user).cloned().unwrap_or_default();
        state.check_slots(slots, Instant::now());
    }

    /// What is due every second: presence, changed profiles, pings, and the end of connections that may not go on.
    fn tick(&self) {
        {
            let mut state = self.0.borrow_mut();
            state.announce_presence();
            state.announce_profiles();
            state.recent_amendments.tick();
            state.check_connections(Instant::now());
        }
        self.flush();
    }

    /// Closes all connections after a panic: what was queued for them last may be incomplete.
    fn close_after_panic(&self) {
        let mut state = self.0.borrow_mut();
        state.metrics.count(Count::WorkerPanics);
        state.close_all(&Close::INTERNAL);
        drop(state);
        self.flush();
    }
}

/// Runs the loop for as long as the hub lives. After a panic (a dialect's encoder is code of its own) the worker's
/// connections are closed, and the loop starts again.
async fn supervise(hub: Weak<RefCell<HubState>>, mut queue: WorkerQueue) {
    while AssertUnwindSafe(run(&hub, &mut queue)).catch_unwind().await.is_err() {
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        queue.health.is_down.store(true, Ordering::Release);
        error!(worker = queue.worker, "a worker's loop panicked, its connections are closed with 1011");
        hub.close_after_panic();
        drop(hub);
        tokio::time::sleep(RESTART_PAUSE).await;
        queue.health.is_down.store(false, Ordering::Release);
    }
}

async fn run(hub: &Weak<RefCell<HubState>>, queue: &mut WorkerQueue) {
    let mut events = Vec::with_capacity(EVENTS_AT_ONCE);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_tick = tokio::select! {
            count = queue.events.recv_many(&mut events, EVENTS_AT_ONCE) => match count {
                0 => return, // the node stops
                _ => false,
            },
            _ = ticks.tick() => true,
        };
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        if is_tick {
            hub.tick();
            continue;
        }
        if queue.health.is_overrun.swap(false, Ordering::AcqRel) {
            error!(worker = queue.worker, "a worker does not keep up with its rooms, its connections are closed");
            hub.0.borrow_mut().close_all(&Close::NODE_TOO_SLOW);
        }
        for event in events.drain(..) {
            hub.handle(event);
        }
        hub.flush();
        hub.record_deliveries();
        tokio::task::yield_now().await;
    }
}

impl HubState {
    /// Pings, closes and ends connections where it is due, and updates how much is queued for all of them.
    fn check_connections(&mut self, now: Instant) {
        let slots = self.connections.iter().map(|(slot, _)| slot).collect();
        self.check_slots(slots, now);
        let queued = self.connections.iter().map(|(_, connection)| connection.send_queue.queued_bytes() as u64);
        let queued_bytes = queued.sum();
        self.metrics.change(Gauge::QueuedBytes, self.queued_bytes, queued_bytes);
        self.queued_bytes = queued_bytes;
    }

    fn check_slots(&mut self, slots: Vec<usize>, now: Instant) {
        let ping = control_frame(Opcode::Ping, b"");
        for slot in slots {
            let Some(connection) = self.connections.get_mut(slot) else { continue };
            if let Some(since) = connection.closing_since {
                if now - since > CLOSE_TIMEOUT {
                    connection.closed.set();
                }
                continue;
            }
            if connection.backlogs.is_empty() {
                connection.lagging_since = None;
            }
            let verdict = match connection.lagging_since {
                Some(since) if now - since > self.max_lag => {
                    self.metrics.count(Count::ClosedSlow);
                    Verdict::Close(Close::TOO_SLOW)
                }
                _ if connection.was_open => Rc::clone(&connection.peer).check(now),
                _ => Verdict::Keep,
            };
            match verdict {
                Verdict::Keep => continue,
                Verdict::Ping => connection.send_queue.force(ping.clone()),
                Verdict::Close(close) => connection.close(&close),
            }
            self.dirty.push(slot);
        }
    }
}
