//! A link: one dedicated RESP3 connection that brings the events of a server, or of a shard.
//!
//! It sends one subscription per channel. After a loss it reconnects with jitter and subscribes again in paced batches; the
//! resubscription of the client library is not reliable. A probe message each second checks that delivery works end to
//! end; it is written as well as published, because a server that was demoted still delivers.
//!
//! A shard ends subscriptions of its own accord when their slot moves. The client library takes such an end for the
//! reply to the oldest request; if one is in progress, the connection is closed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, Pipeline, PushInfo, PushKind, RedisResult};
use tokio::sync::{Notify, mpsc};
use tracing::{debug, info, warn};

use super::cluster::{Address, Cluster};
use super::connection::store_error;
use super::keys::{Keys, Topic};
use super::link_health::{Health, LinkHealth};
use super::pubsub_event::{Handler, PubSubEvent};
use super::reply;
use super::servers::{Opened, Servers};
use super::topics::Topics;
use crate::domain::{Error, Result};
use crate::store::Store;
use crate::store::events::{UserEvent, parse_event};
use crate::store::traces::NodeEvent;

const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Time without a message after which the connection is replaced; including that, delivery resumes within five seconds.
const PROBE_DEADLINE: Duration = Duration::from_millis(2500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Lifetime of what a probe writes.
const PROBE_LIFETIME_SECS: u64 = 10;
const RETRY_PAUSE_MS: u64 = 100;
/// Number of subscriptions in one write.
const BATCH: usize = 256;

/// What all links of a node have in common.
#[derive(Clone)]
pub(super) struct LinkPlan {
    pub(super) keys: Keys,
    pub(super) store: Store,
    pub(super) node: Arc<str>,
    pub(super) health: Arc<Health>,
}

/// Maintains one connection.
pub(super) struct Link {
    plan: LinkPlan,
    servers: Arc<Servers>,
    topics: Arc<Topics>,
    handler: Arc<dyn Handler>,
    shard: Option<LinkToShard>,
    health: Arc<LinkHealth>,
}

/// What a link to a shard has besides.
pub(super) struct LinkToShard {
    pub(super) cluster: Arc<Cluster>,
    pub(super) address: Address,
    /// Takes the topics that the shard refuses or gives away.
    pub(super) strays: mpsc::UnboundedSender<Topic>,
}

/// What the driver of the connection reports besides events.
#[derive(Default)]
struct Signals {
    /// A probe was delivered.
    probed: Notify,
    /// The connection ended, or is out of step.
    ended: Notify,
    /// Requests under way.
    requests: AtomicUsize,
    /// Channels whose subscription this link ends.
    ending: Mutex<HashSet<String>>,
}

/// The channel and the key of a link's probes.
#[derive(Clone)]
struct Probe {
    channel: String,
    key: String,
}

impl Link {
    pub(super) fn new(plan: LinkPlan, servers: Arc<Servers>, topics: Arc<Topics>, handler: Arc<dyn Handler>) -> Self {
        let health = Arc::new(LinkHealth::new(&plan.health));
        Self { plan, servers, topics, handler, shard: None, health }
    }

    pub(super) fn with_shard(self, shard: LinkToShard) -> Self {
        Self { shard: Some(shard), ..self }
    }

    /// Maintains a connection and passes its events to the handler, forever.
    pub(super) async fn run(self) {
        loop {
            let Err(error) = self.serve().await;
            debug!(error = %self.servers.condition.complain(error), "pub/sub connection ended");
            if self.health.note_delivery(false) {
                let server = &self.servers.condition;
                warn!(shard = server.shard(), slots = server.slots(), "pub/sub delivery lost; reconnecting");
            }
            (self.handler)(PubSubEvent::Lost(self.topics.rooms()));
            // The shard may have been replaced.
            if let Some(shard) = &self.shard {
                shard.cluster.request_refresh();
            }
            // A random pause, so that nodes do not reconnect in step.
            let pause_ms = RETRY_PAUSE_MS + fastrand::u64(..RETRY_PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// Opens a connection and serves it until it ends.
    async fn serve(&self) -> Result<std::convert::Infallible> {
        let (signals, probe) = (Arc::new(Signals::default()), self.probe()?);
        let Opened { connection, generation } = self.connect(&signals, &probe).await?;
        let subscriptions = Subscriptions { link: self, connection, signals: &signals };
        subscriptions.begin(&probe).await?;

        let mut tick = tokio::time::interval(PROBE_EVERY);
        let mut heard_at = Instant::now();
        loop {
            tokio::select! {
                changes = self.topics.take_changes(BATCH) => {
                    if subscriptions.apply(&changes).await? {
                        (self.handler)(PubSubEvent::Connected);
                    }
                }
                () = signals.ended.notified() => return Err(Error::Unavailable("the connection ended".into())),
                () = self.servers.left(generation) => return Err(Error::Unavailable("the server was left".into())),
                () = signals.probed.notified() => {
                    heard_at = Instant::now();
                    if !self.health.note_delivery(true) {
                        let server = &self.servers.condition;
                        info!(shard = server.shard(), slots = server.slots(), "pub/sub delivery works");
                    }
                }
                _ = tick.tick() => {
                    if heard_at.elapsed() > PROBE_DEADLINE {
                        return Err(Error::Unavailable("no probe came back".into()));
                    }
                    self.send_probe(&probe);
                }
            }
        }
    }

    fn probe(&self) -> Result<Probe> {
        let tag = match &self.shard {
            None => None,
            Some(LinkToShard { cluster, address, .. }) => {
                let tag = cluster.table().tag_of(address);
                Some(tag.ok_or_else(|| Error::Unavailable("the shard has no slots any more".into()))?)
            }
        };
        let (keys, node) = (&self.plan.keys, &self.plan.node);
        Ok(Probe { channel: keys.probe(node, tag.as_deref()), key: keys.probe_key(node, tag.as_deref()) })
    }

    async fn connect(&self, signals: &Arc<Signals>, probe: &Probe) -> Result<Opened<MultiplexedConnection>> {
        let (signals, keys, probe) = (Arc::clone(signals), self.plan.keys.clone(), probe.channel.clone());
        let (handler, strays) = (Arc::clone(&self.handler), self.shard.as_ref().map(|shard| shard.strays.clone()));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(CONNECT_TIMEOUT))
            .set_push_sender(move |push: PushInfo| {
                let outcome = match push.kind {
                    PushKind::Disconnection => Err(SendError),
                    PushKind::Message | PushKind::SMessage => {
                        take_message(&push, &signals, &keys, &probe, &*handler);
                        Ok(())
                    }
                    PushKind::SUnsubscribe => take_farewell(&push, &signals, &keys, &probe, strays.as_ref()),
                    _ => Ok(()),
                };
                if outcome.is_err() {
                    signals.ended.notify_one();
                }
                outcome
            });
        self.servers.connect(|info| open(info, config.clone())).await
    }

    /// Writes and publishes a probe over the shared connection instead of the one that it tests. Does not wait for the reply,
    /// so that a Redis that does not answer cannot delay its own detection.
    fn send_probe(&self, probe: &Probe) {
        let (store, health, servers) = (self.plan.store.clone(), Arc::clone(&self.health), Arc::clone(&self.servers));
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("SET").arg(&probe.key).arg("").arg("EX").arg(PROBE_LIFETIME_SECS);
        pipeline.add_command(self.plan.keys.publish(&probe.channel, ""));
        tokio::spawn(async move {
            let outcome = store.connection.run(&pipeline).await;
            let takes_writes = outcome.is_ok();
            if health.note_write(takes_writes) && !takes_writes {
                let server = &servers.condition;
                warn!(shard = server.shard(), slots = server.slots(), "Redis takes no writes");
            }
            if let Err(error) = outcome {
                debug!(%error, "could not send a probe");
            }
        });
    }
}

/// The subscriptions of one connection.
struct Subscriptions<'a> {
    link: &'a Link,
    connection: MultiplexedConnection,
    signals: &'a Signals,
}

impl Subscriptions<'_> {
    /// Subscribes to the probe, the users and the nodes first, then to the rooms in batches, so that other traffic is not delayed.
    async fn begin(&self, probe: &Probe) -> Result<()> {
        self.request(true, &probe.channel).await.map_err(store_error)?;
        let (users, rooms): (Vec<Topic>, Vec<Topic>) =
            self.link.topics.take_all().into_iter().partition(|topic| !matches!(topic, Topic::Room(_)));
        self.apply(&users.into_iter().map(|topic| (topic, true)).collect::<Vec<_>>()).await?;
        (self.link.handler)(PubSubEvent::Connected);
        for batch in rooms.chunks(BATCH) {
            self.apply(&batch.iter().map(|topic| (*topic, true)).collect::<Vec<_>>()).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Subscribes to these topics or ends their subscriptions, in one write. Returns whether users are among those that
    /// are subscribed to.
    async fn apply(&self, changes: &[(Topic, bool)]) -> Result<bool> {
        let requests = changes.iter().map(|(topic, is_wanted)| async {
            let channel = self.link.plan.keys.channel(*topic);
            self.request(*is_wanted, &channel).await
        });
        let mut has_users = false;
        for ((topic, is_wanted), outcome) in changes.iter().zip(join_all(requests).await) {
            match (outcome, &self.link.shard) {
                (Ok(()), _) => match topic {
                    Topic::Room(room) if *is_wanted => (self.link.handler)(PubSubEvent::Subscribed(*room)),
                    Topic::Users(_) => has_users |= is_wanted,
                    Topic::Room(_) | Topic::Nodes => {}
                },
                // The slot has another owner.
                (Err(error), Some(shard)) if error.code() == Some("MOVED") => {
                    if *is_wanted {
                        shard.strays.send(*topic).ok();
                    }
                }
                (Err(error), _) => return Err(store_error(error)),
            }
        }
        Ok(has_users)
    }

    async fn request(&self, is_wanted: bool, channel: &str) -> RedisResult<()> {
        let verb = match (is_wanted, self.link.shard.is_some()) {
            (true, false) => "SUBSCRIBE",
            (false, false) => "UNSUBSCRIBE",
            (true, true) => "SSUBSCRIBE",
            (false, true) => "SUNSUBSCRIBE",
        };
        let ending = |change: fn(&mut HashSet<String>, &str)| {
            // Only shards end subscriptions of their own accord.
            if !is_wanted && self.link.shard.is_some() {
                change(&mut self.signals.ending.lock().expect("no panic while held"), channel);
            }
        };
        ending(|channels, channel| drop(channels.replace(channel.to_owned())));
        self.signals.requests.fetch_add(1, Ordering::AcqRel);
        let outcome = redis::cmd(verb).arg(channel).exec_async(&mut self.connection.clone()).await;
        self.signals.requests.fetch_sub(1, Ordering::AcqRel);
        // The shard may have refused it.
        ending(|channels, channel| drop(channels.take(channel)));
        outcome
    }
}

async fn open(info: ConnectionInfo, config: AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
}

/// Handles a message on the driver of the connection, so it must not block.
fn take_message(push: &PushInfo, signals: &Signals, keys: &Keys, probe: &str, handler: &dyn Handler) {
    let [channel, payload] = push.data.as_slice() else { return };
    let (Ok(channel), Ok(payload)) = (reply::text(channel), reply::text(payload)) else { return };
    if channel == probe {
        signals.probed.notify_one();
        return;
    }
    let event = match keys.room_of_channel(channel) {
        Some(room) => parse_event(room, payload).map(|what| PubSubEvent::Room(room, what)),
        None if channel == keys.nodes_live() => NodeEvent::parse(payload).map(PubSubEvent::Node),
        None => UserEvent::parse(payload).map(PubSubEvent::User),
    };
    // Newer nodes may publish events that this version does not know.
    if let Some(event) = event {
        handler(event);
    }
}

/// Handles the end of a subscription. An error means that the connection is out of step.
fn take_farewell(
    push: &PushInfo,
    signals: &Signals,
    keys: &Keys,
    probe: &str,
    strays: Option<&mpsc::UnboundedSender<Topic>>,
) -> std::result::Result<(), SendError> {
    let channel = push.data.first().and_then(|channel| reply::text(channel).ok()).unwrap_or_default();
    if signals.ending.lock().expect("no panic while held").remove(channel) {
        return Ok(());
    }
    if channel == probe || signals.requests.load(Ordering::Acquire) > 0 {
        return Err(SendError);
    }
    if let (Some(strays), Some(topic)) = (strays, keys.topic_of_channel(channel)) {
        strays.send(topic).ok();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;
    use crate::domain::RoomId;
    use crate::store::redis::keys::Channels;

    #[test]
    fn a_subscription_that_ends_unasked_moves_unless_that_may_be_taken_for_a_reply() {
        let keys = Keys::new("cw:", 0, Channels::Sharded);
        let (room, probe) = (keys.room(RoomId::GLOBAL).live, keys.probe("node", Some("1")));
        let (strays, mut taken) = mpsc::unbounded_channel();
        let signals = Signals::default();
        let mut take = |channel: &str| {
            let push = PushInfo { kind: PushKind::SUnsubscribe, data: vec![Value::BulkString(channel.into())] };
            let is_in_step = take_farewell(&push, &signals, &keys, &probe, Some(&strays)).is_ok();
            (is_in_step, taken.try_recv().ok())
        };
        assert_eq!(take(&room), (true, Some(Topic::Room(RoomId::GLOBAL))));
        assert_eq!(take(&probe), (false, None), "the shard has lost the slot of the probe");
        signals.requests.store(1, Ordering::Release);
        assert_eq!(take(&room), (false, None), "the library took it for the reply to a request");
        signals.ending.lock().expect("no panic while held").insert(room.clone());
        assert_eq!(take(&room), (true, None), "it was asked for");
    }
}
