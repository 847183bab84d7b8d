//! Access to Redis that all aggregates share: connections, pub/sub, scripts, keys and replies.

pub(super) mod check;
pub(super) mod connection;
pub(super) mod keys;
pub(super) mod pubsub;
pub(super) mod reply;
pub(super) mod scripts;
pub(super) mod servers;
pub(super) mod unusable;
