//! How many connections to the shards a node has.
//!
//! Each worker has one of its own to each shard, which its own thread drives, as long as those of all workers are few. Many
//! workers and many shards would make thousands of them, each with so few commands at a time that nothing is sent together. Then
//! workers share some, which a thread of the node drives.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::runtime::{Builder, Handle, Runtime};

use super::redirect::Address;
use super::table::Table;
use crate::domain::{Error, Result};

/// Maximum number of connections of one kind to all shards of a cluster together. To each shard there is at least one
/// all the same.
const MOST: usize = 64;

/// The connections of one kind that the users of a node share, or what is made of connections.
pub(in crate::store) struct Lanes<T> {
    thread: Arc<LaneThread>,
    /// Maximum number of connections of the kind to one shard once they are shared.
    most_of_shard: usize,
    /// Those who have connections: workers, and the node itself.
    users: AtomicUsize,
    /// Number of users that there ever were.
    numbered: AtomicUsize,
    shared: Mutex<HashMap<(Address, usize), Arc<T>>>,
}

impl<T> Lanes<T> {
    /// Lanes of which shards have at most this many each once they are shared.
    pub(in crate::store) fn new(thread: &Arc<LaneThread>, most_of_shard: usize) -> Arc<Self> {
        Arc::new(Self {
            thread: Arc::clone(thread),
            most_of_shard,
            users: AtomicUsize::new(0),
            numbered: AtomicUsize::new(0),
            shared: Mutex::default(),
        })
    }

    /// Number of connections to each shard that all users share; `None` while each has its own.
    fn count(&self, shards: usize) -> Option<usize> {
        let users = self.users.load(Ordering::Relaxed);
        let is_many = users * shards > MOST;
        is_many.then(|| (MOST / shards.max(1)).clamp(1, self.most_of_shard))
    }
}

/// One user's connections to the shards.
pub(in crate::store) struct LaneUser<T> {
    lanes: Arc<Lanes<T>>,
    number: usize,
    own: Mutex<HashMap<Address, Arc<T>>>,
}

impl<T> LaneUser<T> {
    pub(in crate::store) fn new(lanes: &Arc<Lanes<T>>) -> Self {
        lanes.users.fetch_add(1, Ordering::Relaxed);
        let number = lanes.numbered.fetch_add(1, Ordering::Relaxed);
        Self { lanes: Arc::clone(lanes), number, own: Mutex::default() }
    }

    /// The connection to a shard. `make` makes one, which the given runtime drives, or else that of the first caller.
    ///
    /// # Errors
    /// `Internal` when the thread of shared connections cannot be started.
    pub(in crate::store) fn get(
        &self,
        table: &Table,
        address: &Address,
        make: impl FnOnce(Option<Handle>) -> Arc<T>,
    ) -> Result<Arc<T>> {
        let is_shard = |address: &Address| table.shards().iter().any(|shard| shard.address == *address);
        let mut own = self.own.lock().expect("no panic while held");
        let Some(count) = self.lanes.count(table.shards().len()) else {
            return Ok(kept(&mut own, address, is_shard, || make(None)));
        };
        // From the time before they became many.
        own.clear();
        drop(own);
        let runtime = self.lanes.thread.handle()?;
        let mut shared = self.lanes.shared.lock().expect("no panic while held");
        let lane = (address.clone(), self.number % count);
        Ok(kept(&mut shared, &lane, |(address, lane)| is_shard(address) && *lane < count, || make(Some(runtime))))
    }
}

impl<T> Drop for LaneUser<T> {
    fn drop(&mut self) {
        self.lanes.users.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The entry of a key. A new one takes the place of those that are of no use any more.
fn kept<K: Clone + Eq + Hash, T>(
    all: &mut HashMap<K, Arc<T>>,
    key: &K,
    is_useful: impl Fn(&K) -> bool,
    make: impl FnOnce() -> Arc<T>,
) -> Arc<T> {
    if let Some(known) = all.get(key) {
        return Arc::clone(known);
    }
    all.retain(|key, _| is_useful(key));
    let made = make();
    all.insert(key.clone(), Arc::clone(&made));
    made
}

/// The thread that drives shared connections, started when there are some.
#[derive(Default)]
pub(in crate::store) struct LaneThread(OnceLock<Runtime>);

impl LaneThread {
    fn handle(&self) -> Result<Handle> {
        if let Some(runtime) = self.0.get() {
            return Ok(runtime.handle().clone());
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("redis").enable_all().build();
        let runtime = runtime.map_err(Error::internal)?;
        let mut spare = Some(runtime);
        let kept = self.0.get_or_init(|| spare.take().expect("taken once"));
        let handle = kept.handle().clone();
        if let Some(spare) = spare {
            spare.shutdown_background(); // another caller was faster
        }
        Ok(handle)
    }
}

impl Drop for LaneThread {
    fn drop(&mut self) {
        // Nobody waits for the connections, and a runtime must not wait inside of another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_when_there_would_be_too_many() {
        for (users, shards, most_of_shard, expected) in [
            (3, 3, MOST, None),
            (21, 3, MOST, None),
            (22, 3, MOST, Some(21)),
            (9, 30, MOST, Some(2)),
            (9, 30, 1, Some(1)),
            (2, 1000, MOST, Some(1)),
            (65, 1, MOST, Some(64)),
        ] {
            let lanes: Arc<Lanes<()>> = Lanes::new(&Arc::default(), most_of_shard);
            let all: Vec<LaneUser<()>> = (0..users).map(|_| LaneUser::new(&lanes)).collect();
            assert_eq!(lanes.count(shards), expected, "{users} users of {shards} shards");
            assert!(expected.unwrap_or(users) * shards <= MOST.max(shards));
            drop(all);
            assert_eq!(lanes.count(MOST), None, "nobody is left");
        }
    }
}
