//! Whether a connection is alive and still allowed, and that an open socket counts as its user's activity.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tracing::debug;

use crate::domain::Client;
use crate::fanout::{self, Verdict};
use crate::service::{Grant, Services};
use crate::websocket::Close;

/// Pause between pings.
const PING_EVERY: Duration = Duration::from_secs(25);
/// Silence after which a connection is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// An open socket counts as activity this often.
const ACTIVE_EVERY: Duration = Duration::from_secs(60);
/// Users whose activity is recorded at once.
const RECORDED_AT_ONCE: usize = 64;

/// What all connections of a worker share to be watched.
pub struct Liveness {
    services: Services,
    /// Connections whose user's activity is to be recorded.
    active: RefCell<Vec<Rc<Peer>>>,
    is_recording: Cell<bool>,
}

impl Liveness {
    /// Watches over connections by these rules.
    pub fn new(services: Services) -> Rc<Self> {
        Rc::new(Self { services, active: RefCell::default(), is_recording: Cell::new(false) })
    }

    /// Records activity in a task of its own, because Redis may take its time. Many sockets that were opened together
    /// are due together.
    fn record(self: &Rc<Self>, peer: Rc<Peer>) {
        self.active.borrow_mut().push(peer);
        if self.is_recording.replace(true) {
            return;
        }
        let liveness = Rc::clone(self);
        actix_web::rt::spawn(async move {
            loop {
                let active = liveness.active.take();
                if active.is_empty() {
                    break;
                }
                for some in active.chunks(RECORDED_AT_ONCE) {
                    join_all(some.iter().map(|peer| peer.record_activity())).await;
                }
            }
            liveness.is_recording.set(false);
        });
    }
}

/// The client of a connection.
pub(in crate::edge) struct Peer {
    pub(in crate::edge) grant: Grant,
    pub(in crate::edge) client: Client,
    liveness: Rc<Liveness>,
    heard_at: Cell<Instant>,
    pinged_at: Cell<Instant>,
    active_at: Cell<Instant>,
}

impl Peer {
    pub(in crate::edge) fn new(grant: Grant, client: Client, liveness: Rc<Liveness>) -> Rc<Self> {
        let now = Cell::new(Instant::now());
        Rc::new(Self { grant, client, liveness, heard_at: now.clone(), pinged_at: now.clone(), active_at: now })
    }

    /// Records that the client sent something.
    pub(in crate::edge) fn note_heard(&self) {
        self.heard_at.set(Instant::now());
    }

    /// Records that the user was active just now. Best effort.
    pub(in crate::edge) async fn record_activity(&self) {
        let caller = self.liveness.services.accounts.caller(&self.grant);
        if let Err(error) = self.liveness.services.presence.note(&caller, &self.client).await {
            debug!(user.id = %caller.id, %error, "could not record activity");
        }
    }
}

impl fanout::Peer for Peer {
    fn check(self: Rc<Self>, now: Instant) -> Verdict {
        if now - self.active_at.get() >= ACTIVE_EVERY {
            self.active_at.set(now);
            let liveness = Rc::clone(&self.liveness);
            liveness.record(Rc::clone(&self));
        }
        if !self.liveness.services.accounts.is_good(&self.grant) {
            return Verdict::Close(Close::TOKEN_ENDED);
        }
        if now - self.heard_at.get() > SILENCE {
            return Verdict::Close(Close::SILENT);
        }
        if now - self.pinged_at.get() >= PING_EVERY {
            self.pinged_at.set(now);
            return Verdict::Ping;
        }
        Verdict::Keep
    }
}
