//! The links to the shards of a cluster, and which of them is subscribed to which topic.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::debug;

use super::cluster::{Address, Cluster, Shard, Table, slot_of_key};
use super::keys::Topic;
use super::link::{Link, LinkPlan, LinkToShard};
use super::pubsub_event::{Handler, PubSubEvent};
use super::topics::Topics;

/// Topics that are placed before other work has its turn.
const BATCH: usize = 256;

/// Keeps one link to each shard.
pub(super) struct Switchboard {
    cluster: Arc<Cluster>,
    plan: LinkPlan,
    /// The topics that the node needs.
    topics: Arc<Topics>,
    handler: Arc<dyn Handler>,
    links: HashMap<Address, RunningLink>,
    places: HashMap<Topic, Place>,
    strays: (mpsc::UnboundedSender<Topic>, mpsc::UnboundedReceiver<Topic>),
}

/// Where a requested topic is.
struct Place {
    slot: u16,
    /// The shard whose link has it; none while its slot has no owner.
    at: Option<Address>,
}

/// A link to a shard, which ends when this is dropped.
struct RunningLink {
    topics: Arc<Topics>,
    task: AbortHandle,
}

impl Drop for RunningLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Switchboard {
    pub(super) fn new(cluster: &Arc<Cluster>, plan: LinkPlan, topics: Arc<Topics>, handler: Arc<dyn Handler>) -> Self {
        let (cluster, strays) = (Arc::clone(cluster), mpsc::unbounded_channel());
        Self { cluster, plan, topics, handler, links: HashMap::new(), places: HashMap::new(), strays }
    }

    /// Places topics with the shards that have their slots, forever.
    pub(super) async fn run(mut self) {
        let mut table = self.cluster.subscribe();
        self.rearrange();
        loop {
            tokio::select! {
                changes = self.topics.take_changes(BATCH) => {
                    for (topic, is_wanted) in changes {
                        self.place(topic, is_wanted);
                    }
                }
                stray = self.strays.1.recv() => {
                    let Some(stray) = stray else { return };
                    self.cluster.refresh().await;
                    self.replace(stray);
                    while let Ok(stray) = self.strays.1.try_recv() {
                        self.replace(stray);
                    }
                }
                changed = table.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.rearrange();
                }
            }
        }
    }

    /// Starts links to new shards, ends those to shards that no longer exist, and moves the topics whose slots have
    /// moved.
    fn rearrange(&mut self) {
        let table = self.cluster.table();
        let present = |address: &Address| table.slot_count(address) > 0;
        let gone: Vec<Address> = self.links.keys().filter(|address| !present(address)).cloned().collect();
        for shard in table.shards().iter().filter(|shard| present(&shard.address)) {
            if !self.links.contains_key(&shard.address) {
                let link = self.start_link(shard);
                self.links.insert(shard.address.clone(), link);
            }
        }
        let moved = self.places.iter().filter(|(_, Place { slot, at })| owner(&table, *slot) != at.as_ref());
        let moved: Vec<Topic> = moved.map(|(topic, _)| *topic).collect();
        for topic in moved {
            self.replace(topic);
        }
        for address in gone {
            debug!(host = address.0, port = address.1, "a shard has no slots any more");
            self.links.remove(&address);
        }
    }

    fn start_link(&self, shard: &Arc<Shard>) -> RunningLink {
        let (topics, strays) = (Arc::<Topics>::default(), self.strays.0.clone());
        let (cluster, address) = (Arc::clone(&self.cluster), shard.address.clone());
        let link =
            Link::new(self.plan.clone(), Arc::clone(&shard.servers), Arc::clone(&topics), Arc::clone(&self.handler));
        let task = tokio::spawn(link.with_shard(LinkToShard { cluster, address, strays }).run()).abort_handle();
        RunningLink { topics, task }
    }

    /// Subscribes to a topic at the shard that has it, or ends that.
    fn place(&mut self, topic: Topic, is_wanted: bool) {
        let before = self.places.remove(&topic);
        let mut at = None;
        if is_wanted {
            let slot = match &before {
                Some(place) => place.slot,
                None => slot_of_key(self.plan.keys.channel(topic).as_bytes()),
            };
            let table = self.cluster.table();
            if let Some((address, link)) = owner(&table, slot).and_then(|address| self.links.get_key_value(address)) {
                link.topics.add(topic);
                at = Some(address.clone());
            }
            self.places.insert(topic, Place { slot, at: at.clone() });
        }
        let before = before.and_then(|place| place.at).filter(|before| Some(before) != at.as_ref());
        if let Some(link) = before.and_then(|before| self.links.get(&before)) {
            link.topics.remove(topic);
        }
    }

    /// Subscribes to a topic again where its slot is now. Its events may have been lost meanwhile.
    fn replace(&mut self, topic: Topic) {
        if !self.topics.contains(topic) {
            return;
        }
        if let Topic::Room(room) = topic {
            (self.handler)(PubSubEvent::Lost(vec![room]));
        }
        self.place(topic, true);
    }
}

/// The address of the shard that has a slot.
fn owner(table: &Table, slot: u16) -> Option<&Address> {
    table.owner(slot).map(|shard| &shard.address)
}
