//! Redis Cluster: which shard has which slot, and how commands find it.
//!
//! The client library has all of this, but it repeats writes whose outcome is unknown, refuses pipelines over several slots
//! and loses subscriptions when slots move: see docs/decisions. Its connections and its parser are used.

mod connections;
mod lanes;
mod redirect;
mod route;
mod slots;
mod table;
mod topology;

pub(in crate::store) use connections::ClusterConnections;
pub(in crate::store) use lanes::{LaneThread, LaneUser, Lanes};
pub(in crate::store) use redirect::Address;
pub(in crate::store) use route::{SendToShard, route, route_in_order};
pub(in crate::store) use slots::slot_of_key;
pub(in crate::store) use table::{Shard, Table};
pub(in crate::store) use topology::Cluster;
