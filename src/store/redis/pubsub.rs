//! The pub/sub supervisor, which maintains one dedicated RESP3 connection per node.
//!
//! It owns the set of subscribed rooms and sends one `SUBSCRIBE` per channel. After a loss it reconnects with jitter and
//! subscribes again in paced batches; the resubscription of the client library is not reliable. A probe message each
//! second checks that delivery works end to end; it is written as well as published, because a server that was demoted
//! still delivers. Pub/sub may lose messages, so the handler must read a room after each [`PubSubEvent::Subscribed`].

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, Pipeline, PushInfo, PushKind, RedisResult};
use tokio::sync::{Notify, mpsc};
use tracing::{debug, info, warn};

use super::connection::store_error;
use super::keys::{Keys, USER_CHANNELS};
use super::reply;
use super::servers::{Opened, Servers};
use crate::domain::{Error, Event, Result, RoomId};
use crate::store::events::{UserEvent, parse_event};
use crate::store::{Store, StoreConfig};

const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Time without a message after which the connection is replaced; including that, delivery resumes within five seconds.
const PROBE_DEADLINE: Duration = Duration::from_millis(2500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Lifetime of what a probe writes.
const PROBE_LIFETIME_SECS: u64 = 10;
const RETRY_PAUSE_MS: u64 = 100;
/// Number of subscriptions in one write.
const BATCH: usize = 256;
const QUEUED_REQUESTS: usize = 65_536;

/// An event that the supervisor passes to its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PubSubEvent {
    /// The channels of users are subscribed; those of rooms follow.
    Connected,
    /// A room's channel is subscribed: events from now on are delivered, earlier ones must be read.
    Subscribed(RoomId),
    /// An event of a room, in the order of the room. Events may be lost or repeated.
    Room(RoomId, Event),
    /// An event of a user. Events may be lost or repeated.
    User(UserEvent),
    /// The connection is lost, and with it all subscriptions.
    Lost,
}

enum SubscriptionRequest {
    Subscribe(RoomId),
    Unsubscribe(RoomId),
}

/// Handles events on the driver of the connection, so it must not block.
pub trait Handler: Fn(PubSubEvent) + Send + Sync + 'static {}

impl<F: Fn(PubSubEvent) + Send + Sync + 'static> Handler for F {}

/// A handle to the supervisor, which ends when every clone is dropped.
#[derive(Clone)]
pub struct Subscriber {
    requests: mpsc::Sender<SubscriptionRequest>,
    health: Arc<Health>,
}

/// What the probes found out.
#[derive(Default)]
struct Health {
    /// The connection is up and has delivered a message recently.
    delivers: AtomicBool,
    /// The last write of a probe succeeded.
    takes_writes: AtomicBool,
}

impl Subscriber {
    /// Makes a handle and the supervisor of the node with this id. [`Supervisor::run`] starts it.
    pub fn new(config: &StoreConfig, store: Store, node: &str) -> (Self, Supervisor) {
        let (sender, requests) = mpsc::channel(QUEUED_REQUESTS);
        let health = Arc::<Health>::default();
        let servers = Arc::clone(&config.servers);
        let keys = Keys::new(&config.prefix, servers.database());
        let (probe, probe_key) = (keys.probe(node), keys.probe_key(node));
        let wanted = HashSet::new();
        let supervisor =
            Supervisor { servers, store, keys, probe, probe_key, wanted, requests, health: Arc::clone(&health) };
        (Self { requests: sender, health }, supervisor)
    }

    /// Whether the connection is up and has delivered a message recently.
    pub fn is_up(&self) -> bool {
        self.health.delivers.load(Ordering::Acquire)
    }

    /// Whether Redis took a write within the last seconds.
    pub fn takes_writes(&self) -> bool {
        self.health.takes_writes.load(Ordering::Acquire)
    }

    /// Subscribes to the events of a room. Returns `false` when the queue of requests is full; try again later.
    pub fn subscribe(&self, room: RoomId) -> bool {
        self.requests.try_send(SubscriptionRequest::Subscribe(room)).is_ok()
    }

    /// Unsubscribes from the events of a room. Returns `false` when the queue of requests is full; try again later.
    pub fn unsubscribe(&self, room: RoomId) -> bool {
        self.requests.try_send(SubscriptionRequest::Unsubscribe(room)).is_ok()
    }
}

/// Maintains the connection.
pub struct Supervisor {
    servers: Arc<Servers>,
    store: Store,
    keys: Keys,
    /// The channel and the key of probes.
    probe: String,
    probe_key: String,
    wanted: HashSet<RoomId>,
    requests: mpsc::Receiver<SubscriptionRequest>,
    health: Arc<Health>,
}

/// What the driver of the connection reports besides events.
#[derive(Default)]
struct Signals {
    /// A probe was delivered.
    probed: Notify,
    /// The connection ended.
    ended: Notify,
}

impl Supervisor {
    /// Maintains a connection until all handles are dropped, and passes events to `handler`.
    pub async fn run(mut self, handler: impl Handler) {
        let handler: Arc<dyn Handler> = Arc::new(handler);
        loop {
            match self.serve(&handler).await {
                Ok(()) => return,
                Err(error) => {
                    let error = self.servers.note_failure(error);
                    debug!(%error, "pub/sub connection ended");
                }
            }
            if self.health.delivers.swap(false, Ordering::AcqRel) {
                warn!("pub/sub delivery lost; reconnecting");
            }
            handler(PubSubEvent::Lost);
            // A random pause, so that nodes do not reconnect in step.
            let pause_ms = RETRY_PAUSE_MS + fastrand::u64(..RETRY_PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// Opens a connection and serves it until it ends. Returns `Ok` when all handles are dropped.
    async fn serve(&mut self, handler: &Arc<dyn Handler>) -> Result<()> {
        let signals = Arc::new(Signals::default());
        let Opened { connection, generation } = self.connect(&signals, Arc::clone(handler)).await?;
        let channels = (0..USER_CHANNELS).map(|shard| self.keys.users_live_shard(shard)).chain([self.probe.clone()]);
        // In one pipeline: one after the other, they would take as many round trips.
        for outcome in join_all(channels.map(|channel| subscribe(connection.clone(), channel))).await {
            outcome?;
        }
        handler(PubSubEvent::Connected);
        self.replay(&connection, handler).await?;

        let mut tick = tokio::time::interval(PROBE_EVERY);
        let mut heard_at = Instant::now();
        let mut requests = Vec::new();
        loop {
            tokio::select! {
                count = self.requests.recv_many(&mut requests, BATCH) => match count {
                    0 => return Ok(()),
                    _ => self.apply(requests.drain(..), &connection, handler).await?,
                },
                () = signals.ended.notified() => return Err(Error::Unavailable("the connection ended".into())),
                () = self.servers.left(generation) => return Err(Error::Unavailable("the server was left".into())),
                () = signals.probed.notified() => {
                    heard_at = Instant::now();
                    if !self.health.delivers.swap(true, Ordering::AcqRel) {
                        info!("pub/sub delivery works");
                    }
                }
                _ = tick.tick() => {
                    if heard_at.elapsed() > PROBE_DEADLINE {
                        return Err(Error::Unavailable("no probe came back".into()));
                    }
                    self.send_probe();
                }
            }
        }
    }

    async fn connect(
        &self,
        signals: &Arc<Signals>,
        handler: Arc<dyn Handler>,
    ) -> Result<Opened<MultiplexedConnection>> {
        let (signals, keys, probe) = (Arc::clone(signals), self.keys.clone(), self.probe.clone());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(CONNECT_TIMEOUT))
            .set_push_sender(move |push: PushInfo| {
                let outcome = take_push(push, &signals, &keys, &probe, &*handler);
                if outcome.is_err() {
                    signals.ended.notify_one();
                }
                outcome
            });
        self.servers.connect(|info| open(info, config.clone())).await
    }

    /// Subscribes to all rooms again, in batches, so that other traffic is not delayed.
    async fn replay(&self, connection: &MultiplexedConnection, handler: &Arc<dyn Handler>) -> Result<()> {
        let rooms: Vec<RoomId> = self.wanted.iter().copied().collect();
        for batch in rooms.chunks(BATCH) {
            let subscriptions = batch.iter().map(|room| subscribe(connection.clone(), self.keys.room(*room).live));
            for outcome in join_all(subscriptions).await {
                outcome?;
            }
            for room in batch {
                handler(PubSubEvent::Subscribed(*room));
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Applies requests in their order, in one write.
    async fn apply(
        &mut self,
        requests: impl Iterator<Item = SubscriptionRequest>,
        connection: &MultiplexedConnection,
        handler: &Arc<dyn Handler>,
    ) -> Result<()> {
        let mut subscribed = Vec::new();
        let mut commands = Vec::new();
        for request in requests {
            let (room, is_wanted) = match request {
                SubscriptionRequest::Subscribe(room) => (room, true),
                SubscriptionRequest::Unsubscribe(room) => (room, false),
            };
            match is_wanted {
                true => self.wanted.insert(room),
                false => self.wanted.remove(&room),
            };
            subscribed.retain(|other| *other != room);
            if is_wanted {
                subscribed.push(room);
            }
            let (mut connection, channel) = (connection.clone(), self.keys.room(room).live);
            commands.push(async move {
                match is_wanted {
                    true => connection.subscribe(channel).await,
                    false => connection.unsubscribe(channel).await,
                }
            });
        }
        for outcome in join_all(commands).await {
            outcome.map_err(store_error)?;
        }
        subscribed.into_iter().for_each(|room| handler(PubSubEvent::Subscribed(room)));
        Ok(())
    }

    /// Writes and publishes a probe over the shared connection instead of the one that it tests. Does not wait for the reply,
    /// so that a Redis that does not answer cannot delay its own detection.
    fn send_probe(&self) {
        let (store, health) = (self.store.clone(), Arc::clone(&self.health));
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("SET").arg(&self.probe_key).arg("").arg("EX").arg(PROBE_LIFETIME_SECS);
        pipeline.cmd("PUBLISH").arg(&self.probe).arg("");
        tokio::spawn(async move {
            let outcome = store.connection.run(&pipeline).await;
            let takes_writes = outcome.is_ok();
            if health.takes_writes.swap(takes_writes, Ordering::AcqRel) && !takes_writes {
                warn!("Redis takes no writes");
            }
            if let Err(error) = outcome {
                debug!(%error, "could not send a probe");
            }
        });
    }
}

async fn open(info: ConnectionInfo, config: AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
}

async fn subscribe(mut connection: MultiplexedConnection, channel: String) -> Result<()> {
    connection.subscribe(channel).await.map_err(store_error)
}

/// Handles a push on the driver of the connection, so it must not block. An error means that the connection ended.
fn take_push(
    push: PushInfo,
    signals: &Signals,
    keys: &Keys,
    probe: &str,
    handler: &dyn Handler,
) -> Result<(), SendError> {
    match push.kind {
        PushKind::Disconnection => return Err(SendError),
        PushKind::Message => {}
        _ => return Ok(()),
    }
    let [channel, payload] = push.data.as_slice() else { return Ok(()) };
    let (Ok(channel), Ok(payload)) = (reply::text(channel), reply::text(payload)) else { return Ok(()) };
    if channel == probe {
        signals.probed.notify_one();
        return Ok(());
    }
    let event = match keys.room_of_channel(channel) {
        Some(room) => parse_event(room, payload).map(|what| PubSubEvent::Room(room, what)),
        None => UserEvent::parse(payload).map(PubSubEvent::User),
    };
    // Newer nodes may publish events that this version does not know.
    if let Some(event) = event {
        handler(event);
    }
    Ok(())
}
