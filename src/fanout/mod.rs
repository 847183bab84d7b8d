//! Floor 2: delivery. Takes what the store's pub/sub brings, keeps each room's events in order and complete, and writes
//! them to the sockets of this node.
//!
//! - [`FollowedRooms`] is the node's: the rooms it is subscribed to, the order of their events, the repair of gaps,
//!   watermarks for polls
//! - [`Hub`] is a worker's: its connections and their rooms; encodes an event once per [`FrameKey`], writes
//! - [`Encoder`] and [`Frame`] are what a dialect supplies
//!
//! On the way of an event: `followed_rooms` and `sequencer` put it in order, `gap_repair` reads what is missing;
//! `worker_queue` takes it to a worker, whose loop is in `worker`; `delivery` queues it for the `connection`s in the
//! `hub`; `flush` writes their `send_queue`s. `subscriptions` says which connections receive what, `catch_up` works off
//! their `backlog`s, `receipts` records what was delivered, `presence` says who is online. `tails` keeps the newest
//! messages of rooms, for histories. `turns` says whose request a worker handles next, by the `round`s. `traces`
//! answers other nodes where a message is, which the workers record in their `pushes`.
//!
//! Imports `domain`, `metrics`, `websocket` and `store`. Does not know `service`: the store's pub/sub joins the two.

mod backlog;
mod catch_up;
mod connection;
mod delivery;
mod encode;
mod flush;
mod followed_rooms;
mod gap_repair;
mod hub;
mod mentions;
mod pending_subscription;
mod presence;
mod profiles;
mod pushes;
mod receipts;
mod recent_amendments;
mod recent_entries;
mod round;
mod send_queue;
mod sequencer;
mod subscriptions;
mod tails;
mod traces;
mod turns;
mod worker;
mod worker_queue;

pub use backlog::ResumeReplies;
pub use connection::{Closed, ConnectionId, NewConnection, Peer, Verdict};
pub use encode::{Encoder, Frame, FrameKey, Style};
pub use followed_rooms::FollowedRooms;
pub use hub::Hub;
pub use round::Claimant;
pub use tails::Tails;
pub use turns::{Turn, Turns};
