//! WebSockets for all dialects: the handshake in its three steps, the one session loop, inbound frames, and what watches
//! over open connections.

mod admission;
pub(in crate::edge) mod codec;
mod frames;
mod hand_over;
mod handshake;
mod liveness;
mod raw_socket;
mod registration;
mod registry;
mod session;

pub use codec::{
    Answer, Command, Credentials, Refusal, Request, Resume, SocketCodec, SocketRoute, Subject, Viewer, read_frame,
};
pub use handshake::configure;
pub use liveness::Liveness;
pub use raw_socket::RawSocket;
pub use registry::SocketCounts;
