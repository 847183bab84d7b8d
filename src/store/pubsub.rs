//! The pub/sub supervisor: one dedicated RESP3 connection per node that carries nothing else.
//!
//! It owns the set of wanted rooms, subscribes one channel per `SUBSCRIBE`, and after a loss reconnects with
//! jitter and replays the set in paced batches; the client library's own resubscription is not trusted.
//! A probe message each second proves that delivery works end to end. Pub/sub may lose: whoever takes the
//! deliveries re-reads a room after each [`Delivery::Subscribed`].

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Client, Pipeline, PushInfo, PushKind};
use tokio::sync::{Notify, mpsc};
use tracing::{debug, info, warn};

use super::keys::{Keys, USER_CHANNELS};
use super::lane::connection_info;
use super::{Store, StoreConfig, reply};
use crate::domain::{EntryId, Error, Result, RoomId, UserId};

const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Silence after which a connection is given up; with reconnecting, delivery heals within five seconds.
const PROBE_DEADLINE: Duration = Duration::from_millis(2500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_PAUSE_MS: u64 = 100;
/// Subscriptions sent at once when the set is replayed.
const REPLAY_BATCH: usize = 256;
/// Deliveries that may wait; beyond, the connection is treated as lost and everything is re-read.
const QUEUED_DELIVERIES: usize = 65_536;
const QUEUED_WISHES: usize = 4096;

/// What happened in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// A message was stored.
    Stored(EntryId),
    /// A message was deleted; the count is of all deletions in the room so far.
    Deleted {
        /// The message.
        id: EntryId,
        /// All deletions in the room so far.
        deletions: u64,
    },
}

/// What happened to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent {
    /// Tokens of an epoch before this one are dead.
    Revoked {
        /// Whose tokens.
        user: UserId,
        /// The first epoch that is good.
        epoch: u64,
    },
    /// A user has another name; older tokens carry the one before.
    Renamed {
        /// Who.
        user: UserId,
        /// Since when, UTC milliseconds.
        at_ms: u64,
        /// The new name.
        name: String,
    },
}

impl fmt::Display for UserEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked { user, epoch } => write!(f, "revoked {user} {epoch}"),
            Self::Renamed { user, at_ms, name } => write!(f, "renamed {user} {at_ms} {name}"),
        }
    }
}

impl UserEvent {
    fn parse(text: &str) -> Option<Self> {
        // A name may contain spaces, so it comes last.
        let mut words = text.splitn(4, ' ');
        let (verb, user, number) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        match (verb, words.next()) {
            ("revoked", None) => Some(Self::Revoked { user: UserId(user), epoch: number }),
            ("renamed", Some(name)) => Some(Self::Renamed { user: UserId(user), at_ms: number, name: name.to_owned() }),
            _ => None,
        }
    }
}

impl RoomEvent {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        match (words.next()?, EntryId::parse(words.next()?)?, words.next()?) {
            ("m", id, _sender) => Some(Self::Stored(id)),
            ("d", id, deletions) => Some(Self::Deleted { id, deletions: deletions.parse().ok()? }),
            _ => None,
        }
    }
}

/// What the supervisor tells the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The users' channels are subscribed; rooms follow one by one.
    Connected,
    /// A room's channel is subscribed: from now on its events come, what was before must be read.
    Subscribed(RoomId),
    /// An event of a room, in the order of the room. May be lost, may come twice.
    Room(RoomId, RoomEvent),
    /// An event of a user. May be lost, may come twice.
    User(UserEvent),
    /// The connection is gone; nothing is subscribed.
    Lost,
}

enum Wish {
    Subscribe(RoomId),
    Unsubscribe(RoomId),
}

/// A handle to the supervisor, which ends when every clone is dropped.
#[derive(Clone)]
pub struct Feed {
    wishes: mpsc::Sender<Wish>,
    is_up: Arc<AtomicBool>,
}

impl Feed {
    /// A supervisor for the node of this id, to be run by the caller, its handle, and what it will deliver.
    ///
    /// # Errors
    /// `Internal` for an address that is not understood.
    pub fn new(
        config: &StoreConfig,
        store: Store,
        node: &str,
    ) -> Result<(Self, mpsc::Receiver<Delivery>, impl Future<Output = ()> + Send + use<>)> {
        let client = Client::open(connection_info(&config.url)?).map_err(Error::internal)?;
        let (wishes, wished) = mpsc::channel(QUEUED_WISHES);
        let (deliveries, delivered) = mpsc::channel(QUEUED_DELIVERIES);
        let is_up = Arc::new(AtomicBool::new(false));
        let keys = Keys::new(&config.prefix);
        let probe = keys.probe(node);
        let supervisor = Supervisor {
            client,
            store,
            keys,
            probe,
            wanted: HashSet::new(),
            wished,
            deliveries,
            is_up: Arc::clone(&is_up),
        };
        Ok((Self { wishes, is_up }, delivered, supervisor.run()))
    }

    /// Whether the connection is up and was heard lately.
    pub fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Asks for a room's events. `false` when too many wishes wait: ask again later.
    pub fn subscribe(&self, room: RoomId) -> bool {
        self.wishes.try_send(Wish::Subscribe(room)).is_ok()
    }

    /// Ends a room's events. `false` when too many wishes wait: ask again later.
    pub fn unsubscribe(&self, room: RoomId) -> bool {
        self.wishes.try_send(Wish::Unsubscribe(room)).is_ok()
    }
}

struct Supervisor {
    client: Client,
    store: Store,
    keys: Keys,
    probe: String,
    wanted: HashSet<RoomId>,
    wished: mpsc::Receiver<Wish>,
    deliveries: mpsc::Sender<Delivery>,
    is_up: Arc<AtomicBool>,
}

/// What the connection's driver reports besides deliveries.
#[derive(Default)]
struct Pulse {
    /// A probe came back.
    heard: Notify,
    /// The connection ended, or a delivery found no room.
    lost: Notify,
}

impl Supervisor {
    async fn run(mut self) {
        loop {
            match self.serve().await {
                Ok(()) => return,
                Err(error) => debug!(%error, "pub/sub connection ended"),
            }
            if self.is_up.swap(false, Ordering::AcqRel) {
                warn!("pub/sub delivery lost, reconnecting");
            }
            if self.deliveries.send(Delivery::Lost).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(RETRY_PAUSE_MS + jitter_ms(RETRY_PAUSE_MS))).await;
        }
    }

    /// One connection's life. `Ok` when the node no longer needs one.
    async fn serve(&mut self) -> Result<()> {
        let pulse = Arc::new(Pulse::default());
        let mut connection = self.connect(&pulse).await?;
        for shard in 0..USER_CHANNELS {
            subscribe(connection.clone(), self.keys.users_live_shard(shard)).await?;
        }
        subscribe(connection.clone(), self.probe.clone()).await?;
        self.tell(Delivery::Connected).await?;
        self.replay(&connection).await?;

        let mut tick = tokio::time::interval(PROBE_EVERY);
        let mut heard_at = Instant::now();
        loop {
            tokio::select! {
                wish = self.wished.recv() => match wish {
                    Some(wish) => self.fulfil(wish, &mut connection).await?,
                    None => return Ok(()),
                },
                () = pulse.lost.notified() => return Err(Error::Unavailable("the connection ended".into())),
                () = pulse.heard.notified() => {
                    heard_at = Instant::now();
                    if !self.is_up.swap(true, Ordering::AcqRel) {
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

    async fn connect(&self, pulse: &Arc<Pulse>) -> Result<MultiplexedConnection> {
        let (pulse, keys, probe) = (Arc::clone(pulse), self.keys.clone(), self.probe.clone());
        let deliveries = self.deliveries.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(CONNECT_TIMEOUT))
            .set_push_sender(move |push: PushInfo| {
                let outcome = take_push(push, &pulse, &keys, &probe, &deliveries);
                if outcome.is_err() {
                    pulse.lost.notify_one();
                }
                outcome
            });
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| Error::Unavailable(error.into()))
    }

    /// Subscribes to every wanted room again, in batches, so that other traffic gets its turn.
    async fn replay(&self, connection: &MultiplexedConnection) -> Result<()> {
        let rooms: Vec<RoomId> = self.wanted.iter().copied().collect();
        for batch in rooms.chunks(REPLAY_BATCH) {
            let subscriptions = batch.iter().map(|room| subscribe(connection.clone(), self.keys.room(*room).live));
            for outcome in join_all(subscriptions).await {
                outcome?;
            }
            for room in batch {
                self.tell(Delivery::Subscribed(*room)).await?;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn fulfil(&mut self, wish: Wish, connection: &mut MultiplexedConnection) -> Result<()> {
        match wish {
            Wish::Subscribe(room) => {
                self.wanted.insert(room);
                subscribe(connection.clone(), self.keys.room(room).live).await?;
                self.tell(Delivery::Subscribed(room)).await
            }
            Wish::Unsubscribe(room) => {
                self.wanted.remove(&room);
                let channel = self.keys.room(room).live;
                connection.unsubscribe(channel).await.map_err(|error| Error::Unavailable(error.into()))
            }
        }
    }

    /// Publishes a probe over the lane, not over the connection that it tests, and without waiting: a
    /// silent Redis must not stop the clock that notices it.
    fn send_probe(&self) {
        let (store, probe) = (self.store.clone(), self.probe.clone());
        tokio::spawn(async move {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("PUBLISH").arg(probe).arg("");
            if let Err(error) = store.lane.run(&pipeline).await {
                debug!(%error, "probe not published");
            }
        });
    }

    async fn tell(&self, delivery: Delivery) -> Result<()> {
        self.deliveries.send(delivery).await.map_err(|_| Error::internal("nobody takes deliveries"))
    }
}

async fn subscribe(mut connection: MultiplexedConnection, channel: String) -> Result<()> {
    connection.subscribe(channel).await.map_err(|error| Error::Unavailable(error.into()))
}

/// Runs on the connection's driver for each push: must not wait. An error means that a delivery was lost.
fn take_push(
    push: PushInfo,
    pulse: &Pulse,
    keys: &Keys,
    probe: &str,
    deliveries: &mpsc::Sender<Delivery>,
) -> Result<(), SendError> {
    match push.kind {
        PushKind::Disconnection => return Err(SendError),
        PushKind::Message => {}
        _ => return Ok(()),
    }
    let [channel, payload] = push.data.as_slice() else { return Ok(()) };
    let (Ok(channel), Ok(payload)) = (reply::text(channel), reply::text(payload)) else { return Ok(()) };
    if channel == probe {
        pulse.heard.notify_one();
        return Ok(());
    }
    let delivery = match keys.room_of_channel(channel) {
        Some(room) => RoomEvent::parse(payload).map(|event| Delivery::Room(room, event)),
        None => UserEvent::parse(payload).map(Delivery::User),
    };
    match delivery {
        Some(delivery) => deliveries.try_send(delivery).map_err(|_| SendError),
        None => Ok(()), // from a newer node: an event that this version does not know
    }
}

/// A pause of up to `most_ms`, so that nodes do not return in step.
fn jitter_ms(most_ms: u64) -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0) % most_ms.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Seq;

    #[test]
    fn events_are_read_and_unknown_ones_are_not() {
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        assert_eq!(RoomEvent::parse("m 7-12 3 {\"t\":\"a b\"}"), Some(RoomEvent::Stored(id)));
        assert_eq!(RoomEvent::parse("d 7-12 2"), Some(RoomEvent::Deleted { id, deletions: 2 }));
        assert_eq!(RoomEvent::parse("x 7-12 2"), None);
        let revoked = UserEvent::Revoked { user: UserId(3), epoch: 9 };
        let renamed = UserEvent::Renamed { user: UserId(3), at_ms: 9, name: "李 雷".to_owned() };
        for event in [revoked, renamed] {
            assert_eq!(UserEvent::parse(&event.to_string()), Some(event));
        }
    }
}
