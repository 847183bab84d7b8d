//! Access to Redis that all aggregates share: connections, pub/sub, scripts, keys and replies.

pub(super) mod address;
pub(super) mod check;
pub(super) mod cluster;
mod commit;
mod condition;
pub(super) mod connection;
pub(super) mod connections;
pub(super) mod deployment;
pub(super) mod durability;
pub(super) mod keys;
mod link;
mod link_health;
pub(super) mod pubsub;
pub(super) mod pubsub_event;
pub(super) mod reply;
mod script_source;
pub(super) mod scripts;
mod sentinel;
mod sentinel_watch;
pub(super) mod servers;
mod switchboard;
mod tls;
mod topics;
pub(super) mod unusable;
pub(super) mod writer;
