//! WebSockets for all dialects: the handshake, the one session loop, inbound frames, and the registry that keeps
//! connections alive or ends them.

mod codec;
mod frames;
mod handshake;
mod registry;
mod session;

pub use codec::{Answer, Command, Credentials, Refusal, Resume, SocketCodec, SocketRoute, Viewer, read_frame};
pub use handshake::{RawSocket, configure};
pub use registry::{SocketCounts, Sockets};
