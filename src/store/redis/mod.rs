//! Access to Redis that all aggregates share: connections, pub/sub, scripts, keys and replies.

pub(super) mod check;
pub(super) mod commit;
pub(super) mod connection;
pub(super) mod durability;
pub(super) mod keys;
pub(super) mod pubsub;
pub(super) mod reply;
pub(super) mod scripts;
mod sentinel;
mod sentinel_watch;
pub(super) mod servers;
mod tls;
pub(super) mod unusable;
