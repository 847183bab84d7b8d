//! Talking to Redis: connections, pub/sub, scripts, keys and replies. Everything that is not about one aggregate.

pub(super) mod connection;
pub(super) mod keys;
pub(super) mod pubsub;
pub(super) mod reply;
pub(super) mod scripts;
