//! Connections below HTTP: how many an address may open, and how long they wait for their client.
//!
//! The framework times the first head of a connection only. Here the heads of all requests are timed, and the writing
//! of responses. Bodies are timed by those who read them (`edge/http/body.rs`), WebSockets by their liveness.

mod address_cap;
mod http_stream;
mod read_ahead;
mod timing;

pub use address_cap::AddressCap;
pub use http_stream::HttpStream;
pub use timing::{EndOfBody, RequestUnderWay, Timing};
