//! Checks of the server behind a new connection: it takes writes, is new enough, and evicts nothing.

use redis::aio::ConnectionLike;
use redis::{InfoDict, Pipeline, Value};
use tracing::warn;

use super::reply;
use super::unusable::unusable;
use crate::domain::{Error, Result};

/// Oldest version with the scripts, streams and sharded channels that Chinwag uses.
const OLDEST_VERSION: (u32, u32) = (7, 0);

/// A server that passed, with its `INFO` if the user of Redis may run it.
pub(in crate::store) enum Checked {
    /// It takes writes.
    Primary(Option<InfoDict>),
    /// It is a sentinel, which knows where the primary is.
    Sentinel,
}

/// The role of a server, as `ROLE` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Primary,
    Replica,
    Sentinel,
}

impl Role {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "master" => Some(Self::Primary),
            "slave" => Some(Self::Replica),
            "sentinel" => Some(Self::Sentinel),
            _ => None,
        }
    }
}

/// Asks a server, which should be a shard of a cluster or none, for its role, version and policy, in one round trip.
///
/// # Errors
/// `Unavailable` for a replica and for a server that loads its data; `Internal` with the reason when it is too old,
/// configured to evict keys, or of a kind that Chinwag does not support.
pub(in crate::store) async fn check(connection: &mut impl ConnectionLike, is_shard: bool) -> Result<Checked> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("ROLE");
    pipeline.cmd("INFO");
    let replies = connection.req_packed_commands(&pipeline, 0, pipeline.len()).await;
    let mut replies = replies.map_err(|error| Error::Unavailable(error.into()))?.into_iter();
    let role = permitted(replies.next().unwrap_or_default())?;
    if role.as_ref().and_then(role_of) == Some(Role::Sentinel) {
        return Ok(Checked::Sentinel);
    }
    let info: Option<InfoDict> = match permitted(replies.next().unwrap_or_default())? {
        Some(info) => Some(reply::read(info)?),
        None => None,
    };
    if role.is_none() && info.is_none() {
        warn!("Redis permits neither ROLE nor INFO: a demoted server is noticed only when it refuses a write");
    }
    check_role(role.as_ref().and_then(role_of).or_else(|| role_in(info.as_ref()?)))?;
    if let Some(info) = &info {
        check_info(info, is_shard)?;
    }
    Ok(Checked::Primary(info))
}

/// A reply, or `None` when the user of Redis lacks the right to the command.
fn permitted(reply: Value) -> Result<Option<Value>> {
    match reply {
        Value::ServerError(error) if error.code() == "NOPERM" => Ok(None),
        Value::ServerError(error) => Err(Error::Unavailable(redis::RedisError::from(error).into())),
        reply => Ok(Some(reply)),
    }
}

fn role_of(reply: &Value) -> Option<Role> {
    let Value::Array(items) = reply else { return None };
    Role::parse(reply::text(items.first()?).ok()?)
}

fn role_in(info: &InfoDict) -> Option<Role> {
    Role::parse(&info.get::<String>("role")?)
}

fn check_role(role: Option<Role>) -> Result<()> {
    match role {
        Some(Role::Replica) => Err(Error::Unavailable("the server is a replica and takes no writes".into())),
        Some(Role::Primary | Role::Sentinel) | None => Ok(()),
    }
}

fn check_info(info: &InfoDict, is_shard: bool) -> Result<()> {
    // A server that loads its data answers INFO but no other commands.
    if info.get::<u8>("loading") == Some(1) {
        return Err(Error::Unavailable("Redis is loading its data".into()));
    }
    if info.get::<u8>("cluster_enabled") == Some(1) && !is_shard {
        return Err(unusable("redis.url is the address of a Redis Cluster, redis.mode says that it is none"));
    }
    // Valkey keeps `redis_version` at 7.2.4 for such checks.
    let version: String = info.get("redis_version").unwrap_or_default();
    if parse_version(&version) < Some(OLDEST_VERSION) {
        let (major, minor) = OLDEST_VERSION;
        return Err(Error::internal(format!("Redis {version} is too old: {major}.{minor} or newer is needed")));
    }
    let policy: Option<String> = info.get("maxmemory_policy");
    if policy.as_deref().is_some_and(|policy| policy != "noeviction") {
        let policy = policy.unwrap_or_default();
        return Err(Error::internal(format!(
            "Redis may evict messages and accounts: maxmemory-policy is {policy}, must be noeviction"
        )));
    }
    Ok(())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("6.2.14") < Some(OLDEST_VERSION));
        assert!(parse_version("7.0.15") >= Some(OLDEST_VERSION));
        assert!(parse_version("10.1.0") >= Some(OLDEST_VERSION));
        assert!(parse_version("odd") < Some(OLDEST_VERSION));
    }

    #[test]
    fn a_replica_may_become_a_primary_and_other_servers_may_not() {
        let role = |name: &str| role_of(&Value::Array(vec![Value::BulkString(name.as_bytes().to_vec())]));
        assert!(check_role(role("master")).is_ok());
        assert!(check_role(None).is_ok(), "unknown is not refused");
        assert_eq!(check_role(role("slave")).map_err(|error| error.kind()), Err(Kind::Unavailable));
        assert_eq!(role("sentinel"), Some(Role::Sentinel));
        let cluster = InfoDict::new("redis_version:7.0.15\r\ncluster_enabled:1\r\n");
        assert_eq!(check_info(&cluster, false).map_err(|error| error.kind()), Err(Kind::Internal));
        assert!(check_info(&cluster, true).is_ok());
        assert_eq!(role_in(&InfoDict::new("role:slave\r\n")), Some(Role::Replica));
    }
}
