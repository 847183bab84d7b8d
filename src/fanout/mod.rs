//! Floor 2: delivery. Takes what the store's pub/sub brings, keeps each room's events in order and whole, and
//! hands them to the sockets of this node.
//!
//! - [`FollowedRooms`] is the node's: which rooms are live, their order, the repair of gaps, watermarks of polled rooms
//! - [`Hub`] is a worker's: which sockets look at which rooms; encodes once per kind of frame, writes
//! - [`Encoder`], [`Frame`]: what a dialect supplies
//!
//! Imports `domain` and `store`. Does not know `service`: the store's pub/sub joins the two.

mod catch_up;
mod connection;
mod delivery;
mod flush;
mod followed_rooms;
mod frame;
mod receipts;
mod send_queue;
mod sequencer;
mod subscriptions;
mod worker;

pub use connection::{Closed, ConnectionId, NewConnection, ResumeReplies};
pub use followed_rooms::FollowedRooms;
pub use frame::{Encoder, Frame, FrameKey, Style, close_frame, control_frame, text_frame};
pub use worker::Hub;
