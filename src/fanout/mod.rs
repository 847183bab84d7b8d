//! Floor 2: delivery. Takes what the store's pub/sub brings and keeps what this node knows of live rooms.
//!
//! Imports `domain` and `store`. Does not know `service`: the store's pub/sub joins the two.

mod live;

pub use live::LiveRooms;
