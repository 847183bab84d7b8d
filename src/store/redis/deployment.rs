//! Where the data of a node is: on one server, which sentinels may determine, or in a cluster.

use std::sync::{Arc, OnceLock};

use super::cluster::Cluster;
use super::servers::Servers;
use super::unusable::unusable;
use crate::config::{RedisConfig, RedisMode};
use crate::domain::Result;

/// The Redis of a node.
pub struct Deployment {
    config: RedisConfig,
    /// The server that takes writes. In a cluster, connections are to shards instead.
    servers: Arc<Servers>,
    /// The shards, once it is known that the addresses are those of a cluster.
    cluster: OnceLock<Arc<Cluster>>,
}

impl Deployment {
    /// Reads the settings.
    ///
    /// # Errors
    /// `Internal` with one line that says what is wrong.
    pub fn new(config: &RedisConfig) -> Result<Self> {
        let servers = Arc::new(Servers::new(config)?);
        Ok(Self { config: config.clone(), servers, cluster: OnceLock::new() })
    }

    /// Finds out whether the addresses are those of a cluster. Nodes do so before anything else.
    ///
    /// # Errors
    /// `Unavailable` when none answers; `Internal` when Redis cannot be used, with the reason.
    pub async fn discover(&self) -> Result<()> {
        let may_be = match self.config.mode {
            RedisMode::Cluster => true,
            RedisMode::Auto => !self.servers.has_sentinels() && !self.config.has_sockets(),
            RedisMode::Single | RedisMode::Sentinel => false,
        };
        if !may_be || self.cluster.get().is_some() {
            return Ok(());
        }
        match Cluster::discover(&self.config, self.servers.addresses()).await? {
            Some(_) if self.servers.database() != 0 => Err(unusable("redis.url: a cluster has no database but 0")),
            Some(cluster) => {
                self.cluster.get_or_init(|| Arc::new(cluster));
                Ok(())
            }
            None if self.config.mode == RedisMode::Cluster => {
                Err(unusable("redis.url is not the address of a Redis Cluster, redis.mode is cluster"))
            }
            None => Ok(()),
        }
    }

    /// Listens for failovers before they happen, or for slots that move; never returns.
    pub async fn watch(&self) {
        match self.cluster() {
            Some(cluster) => cluster.watch().await,
            None => self.servers.watch().await,
        }
    }

    /// The shards, if there are any.
    pub(in crate::store) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.get()
    }

    /// The server that takes writes, of a deployment without shards.
    pub(in crate::store) fn servers(&self) -> &Arc<Servers> {
        &self.servers
    }

    /// The addresses of the servers that take writes, as far as connections have found them.
    pub(in crate::store) fn primaries(&self) -> Vec<String> {
        match self.cluster() {
            Some(cluster) => cluster.table().shards().iter().map(|shard| shard.name()).collect(),
            None => vec![self.servers.present()],
        }
    }

    /// The number of the database.
    pub(in crate::store) fn database(&self) -> i64 {
        self.servers.database()
    }

    /// Whether the user of Redis may run `INFO`, as far as connections found out.
    pub(in crate::store) fn permits_info(&self) -> bool {
        match self.cluster() {
            Some(cluster) => cluster.table().shards().iter().all(|shard| shard.servers.permits_info()),
            None => self.servers.permits_info(),
        }
    }

    /// Number of times that a connection broke, a server was left, slots moved, or something was found missing. What was
    /// read before the last of them must be read again before it is relied on.
    pub(in crate::store) fn breaks(&self) -> u64 {
        self.servers.breaks() + self.cluster().map_or(0, |cluster| cluster.breaks())
    }

    /// The same as far as it concerns a key.
    pub(in crate::store) fn breaks_at(&self, key: &str) -> u64 {
        self.servers.breaks() + self.cluster().map_or(0, |cluster| cluster.breaks_at(key))
    }

    pub(in crate::store) fn note_break(&self) {
        self.servers.note_break();
    }
}
