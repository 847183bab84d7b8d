//! The open WebSockets of a worker: who they are, whether they are alive and still allowed.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::web;

use crate::domain::{Client, Error, Result, RoomId, UserId};
use crate::edge::context::Context;
use crate::edge::drain::Stopping;
use crate::fanout::{ConnectionId, Hub, control_frame};
use crate::service::Grant;

const TICK: Duration = Duration::from_secs(1);
/// Every connection is pinged this often,
const PING_EVERY: Duration = Duration::from_secs(25);
/// and given up when nothing came for this long.
const SILENCE: Duration = Duration::from_secs(60);
/// An open socket counts as activity this often.
const ACTIVE_EVERY: Duration = Duration::from_secs(60);
/// Users whose activity is noted at once.
const NOTED_AT_ONCE: usize = 64;
/// A user who does not come back within this time is told to be gone.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// A stopping node closes its connections in this many batches, this far apart.
const BATCHES: usize = 20;
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// Clients come back after up to this many milliseconds, each its own.
const MAX_RETRY_MS: u64 = 3000;
/// What a refused attempt is told to wait.
const CAP_RETRY: Duration = Duration::from_secs(5);
const PING: u8 = 0x9;

/// Closing codes (RFC 6455, §7.4.1). `docs/protocols` says which of them mean "come back".
pub(in crate::edge) mod code {
    /// The client said goodbye.
    pub const NORMAL: u16 = 1000;
    /// Nothing was heard from it.
    pub const GOING_AWAY: u16 = 1001;
    /// It broke the protocol.
    pub const PROTOCOL: u16 = 1002;
    /// Its text is no UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// Its token is no longer good, or it sent too much too fast.
    pub const POLICY: u16 = 1008;
    /// Its message is too large.
    pub const TOO_LARGE: u16 = 1009;
    /// The node stops.
    pub const RESTART: u16 = 1012;
}

/// How many sockets a user and an address have on this node. Shared by its workers.
#[derive(Default)]
pub struct SocketCounts(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    users: HashMap<UserId, u32>,
    addresses: HashMap<IpAddr, u32>,
}

impl SocketCounts {
    /// How many sockets a user has.
    pub(in crate::edge) fn of_user(&self, user: UserId) -> u32 {
        self.0.lock().expect("no panic while held").users.get(&user).copied().unwrap_or(0)
    }

    /// All open sockets of the node.
    pub fn total(&self) -> u32 {
        self.0.lock().expect("no panic while held").users.values().sum()
    }

    /// Counts a socket for as long as the permit lives. `None` as a cap is no cap.
    pub(in crate::edge) fn enter(
        self: &Arc<Self>,
        user: UserId,
        ip: IpAddr,
        caps: Option<(u32, u32)>,
    ) -> Result<Permit> {
        let mut counts = self.0.lock().expect("no panic while held");
        let of_user = counts.users.get(&user).copied().unwrap_or(0);
        let of_address = counts.addresses.get(&ip).copied().unwrap_or(0);
        if caps.is_some_and(|(user_cap, address_cap)| of_user >= user_cap || of_address >= address_cap) {
            return Err(Error::RateLimited { retry_after: CAP_RETRY });
        }
        counts.users.insert(user, of_user + 1);
        counts.addresses.insert(ip, of_address + 1);
        Ok(Permit { counts: Arc::clone(self), user, ip })
    }
}

/// One counted socket.
pub(in crate::edge) struct Permit {
    counts: Arc<SocketCounts>,
    user: UserId,
    ip: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().expect("no panic while held");
        let Counts { users, addresses } = &mut *counts;
        if let Some(count) = users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                users.remove(&self.user);
            }
        }
        if let Some(count) = addresses.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.ip);
            }
        }
    }
}

/// A connected client.
pub(in crate::edge) struct Peer {
    pub(in crate::edge) connection: ConnectionId,
    pub(in crate::edge) grant: Grant,
    pub(in crate::edge) client: Client,
    heard_at: Cell<Instant>,
    pinged_at: Cell<Instant>,
    active_at: Cell<Instant>,
}

impl Peer {
    pub(in crate::edge) fn new(connection: ConnectionId, grant: Grant, client: Client) -> Self {
        let now = Instant::now();
        let (heard_at, pinged_at, active_at) = (Cell::new(now), Cell::new(now), Cell::new(now));
        Self { connection, grant, client, heard_at, pinged_at, active_at }
    }

    /// Something came from it.
    pub(in crate::edge) fn is_heard(&self) {
        self.heard_at.set(Instant::now());
    }
}

/// The open WebSockets of a worker.
#[derive(Clone)]
pub struct Sockets(Rc<Inner>);

struct Inner {
    hub: Hub,
    /// The permit is here and not with the peer: it ends with the connection, not with the last word of its conversation.
    peers: RefCell<HashMap<ConnectionId, (Rc<Peer>, Permit)>>,
}

impl Sockets {
    /// None yet.
    pub fn new(hub: Hub) -> Self {
        Self(Rc::new(Inner { hub, peers: RefCell::default() }))
    }

    /// The worker's hub.
    pub(in crate::edge) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(in crate::edge) fn insert(&self, peer: Rc<Peer>, permit: Permit) {
        self.0.peers.borrow_mut().insert(peer.connection, (peer, permit));
    }

    /// A connection is gone; its user, too, unless another connection is left or comes soon.
    pub(in crate::edge) fn remove(&self, connection: ConnectionId, context: &web::Data<Context>) {
        let rooms = self.0.hub.rooms(connection);
        self.0.hub.leave(connection);
        let Some((peer, permit)) = self.0.peers.borrow_mut().remove(&connection) else { return };
        let caller = context.services.accounts.caller(&peer.grant);
        drop(permit);
        if context.socket_counts.of_user(caller.id) > 0 || context.is_draining() {
            return;
        }
        let context = context.clone();
        actix_web::rt::spawn(async move {
            tokio::time::sleep(AWAY_AFTER).await;
            if context.socket_counts.of_user(caller.id) == 0 {
                announce(&context, &caller, false, &rooms).await;
            }
        });
    }

    /// Keeps the connections for as long as the worker lives: pings them, ends those that are silent, whose token
    /// is no longer good, or all when the node stops.
    pub fn tend(&self, context: web::Data<Context>) {
        let sockets = Rc::downgrade(&self.0);
        let noting = Rc::new(Cell::new(false));
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let Some(sockets) = Weak::upgrade(&sockets).map(Self) else { return };
                if context.stopping.closes_sockets() {
                    return sockets.close_all(&context.stopping).await;
                }
                let active = sockets.check(&context, !noting.get());
                if !active.is_empty() {
                    // Beside the pings: Redis may take its time.
                    noting.set(true);
                    let (context, noting) = (context.clone(), Rc::clone(&noting));
                    actix_web::rt::spawn(async move {
                        note_activity(&context, &active).await;
                        noting.set(false);
                    });
                }
            }
        });
    }

    /// Looks at every connection. Returns those whose activity is to be noted, if any may be now.
    fn check(&self, context: &Context, notes: bool) -> Vec<Rc<Peer>> {
        let hub = &self.0.hub;
        let now = Instant::now();
        let (mut dead, mut silent, mut due, mut active) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (peer, _) in self.0.peers.borrow().values() {
            if !context.services.accounts.is_good(&peer.grant) {
                dead.push(peer.connection);
            } else if now - peer.heard_at.get() > SILENCE {
                silent.push(peer.connection);
            } else if now - peer.pinged_at.get() >= PING_EVERY {
                peer.pinged_at.set(now);
                due.push(peer.connection);
            }
            if notes && now - peer.active_at.get() >= ACTIVE_EVERY {
                peer.active_at.set(now);
                active.push(Rc::clone(peer));
            }
        }
        let ping = control_frame(PING, b"");
        due.into_iter().for_each(|connection| hub.send(connection, ping.clone()));
        dead.into_iter()
            .for_each(|connection| hub.close(connection, code::POLICY, "token expired or revoked, log in again"));
        silent.into_iter().for_each(|connection| hub.close(connection, code::GOING_AWAY, "nothing was heard for 60 s"));
        active
    }

    /// Closes all in paced batches, each with its own time to come back.
    async fn close_all(&self, stopping: &Stopping) {
        let connections: Vec<ConnectionId> = self.0.peers.borrow().keys().copied().collect();
        for batch in connections.chunks(connections.len().div_ceil(BATCHES).max(1)) {
            for connection in batch {
                let retry_ms = uuid::Uuid::new_v4().as_u128() as u64 % MAX_RETRY_MS;
                self.0.hub.close(*connection, code::RESTART, &format!("restart, retry_after_ms={retry_ms}"));
            }
            tokio::time::sleep(BATCH_PAUSE).await;
        }
        tracing::debug!(under_way = stopping.under_way(), closed = connections.len(), "connections closed");
    }
}

/// Notes that users are there, some at a time: many sockets that opened together are due together.
async fn note_activity(context: &Context, active: &[Rc<Peer>]) {
    let note = async |peer: &Rc<Peer>| {
        let caller = context.services.accounts.caller(&peer.grant);
        if let Err(error) = context.services.presence.note(&caller, &peer.client).await {
            tracing::debug!(%error, "activity not recorded");
        }
    };
    for some in active.chunks(NOTED_AT_ONCE) {
        futures_util::future::join_all(some.iter().map(&note)).await;
    }
}

/// Tells the users who share a room that a user came or went.
pub(in crate::edge) async fn announce(
    context: &Context,
    caller: &crate::domain::Caller,
    is_online: bool,
    rooms: &[RoomId],
) {
    if let Err(error) = context.services.presence.announce(caller, is_online, rooms).await {
        tracing::debug!(%error, "presence not told");
    }
}
