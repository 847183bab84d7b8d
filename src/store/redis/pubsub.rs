//! The events of rooms and users, as pub/sub brings them to a node.
//!
//! A node has one connection for them, in a cluster one to each shard: see [`Link`]. Pub/sub may lose messages, so the
//! handler must read a room after each [`Subscribed`](super::pubsub_event::PubSubEvent::Subscribed).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::deployment::Deployment;
use super::keys::{Topic, USER_CHANNELS};
use super::link::{Link, LinkPlan};
use super::link_health::Health;
use super::pubsub_event::Handler;
use super::switchboard::Switchboard;
use super::topics::Topics;
use crate::domain::RoomId;
use crate::store::{Store, StoreConfig};

/// A handle to the supervisor.
#[derive(Clone)]
pub struct Subscriber {
    topics: Arc<Topics>,
    health: Arc<Health>,
}

impl Subscriber {
    /// Creates a handle and the supervisor of the node with this id. [`Supervisor::run`] starts it.
    pub fn new(config: &StoreConfig, store: Store, node: &str) -> (Self, Supervisor) {
        let (topics, health) = (Arc::<Topics>::default(), Arc::<Health>::default());
        (0..USER_CHANNELS).for_each(|shard| topics.add(Topic::Users(shard)));
        topics.add(Topic::Nodes);
        let plan = LinkPlan { keys: config.keys(), store, node: node.into(), health: Arc::clone(&health) };
        let supervisor = Supervisor { deployment: Arc::clone(&config.deployment), plan, topics: Arc::clone(&topics) };
        (Self { topics, health }, supervisor)
    }

    /// Whether a connection is up and has delivered a message recently.
    pub fn is_up(&self) -> bool {
        self.health.delivering.load(Ordering::Acquire) > 0
    }

    /// Whether Redis, or a shard, took a write within the last seconds.
    pub fn takes_writes(&self) -> bool {
        self.health.writable.load(Ordering::Acquire) > 0
    }

    /// Subscribes to the events of a room. [`Subscribed`](super::pubsub_event::PubSubEvent::Subscribed) follows, also when it was subscribed already.
    pub fn subscribe(&self, room: RoomId) {
        self.topics.add(Topic::Room(room));
    }

    /// Unsubscribes from the events of a room.
    pub fn unsubscribe(&self, room: RoomId) {
        self.topics.remove(Topic::Room(room));
    }
}

/// Maintains the subscriptions of a node.
pub struct Supervisor {
    deployment: Arc<Deployment>,
    plan: LinkPlan,
    topics: Arc<Topics>,
}

impl Supervisor {
    /// Maintains the connections and passes events to `handler`, forever.
    pub async fn run(self, handler: impl Handler) {
        let handler: Arc<dyn Handler> = Arc::new(handler);
        match self.deployment.cluster() {
            Some(cluster) => Switchboard::new(cluster, self.plan, self.topics, handler).run().await,
            None => Link::new(self.plan, Arc::clone(self.deployment.servers()), self.topics, handler).run().await,
        }
    }
}
