//! What pub/sub brings to a node.

use crate::domain::{Event, RoomId};
use crate::store::events::UserEvent;
use crate::store::traces::NodeEvent;

/// An event that the supervisor passes to its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PubSubEvent {
    /// The channels of users are subscribed, in a cluster those of one shard; those of rooms follow.
    Connected,
    /// A room's channel is subscribed: events from now on are delivered, earlier ones must be read.
    Subscribed(RoomId),
    /// An event of a room, in the order of the room. Events may be lost or repeated.
    Room(RoomId, Event),
    /// An event of a user. Events may be lost or repeated.
    User(UserEvent),
    /// What a node tells the others. Events may be lost or repeated.
    Node(NodeEvent),
    /// A connection is lost, and with it the subscriptions to these rooms.
    Lost(Vec<RoomId>),
}

/// Handles events on the driver of the connection, so it must not block.
pub trait Handler: Fn(PubSubEvent) + Send + Sync + 'static {}

impl<F: Fn(PubSubEvent) + Send + Sync + 'static> Handler for F {}
