//! Floor 3: what all dialects share of HTTP and WebSockets: authentication, limits, bodies, errors in dialect, the
//! one session loop.
//!
//! Imports `domain`, `metrics`, `fanout`, `service` (and the settings that `app` hands out). A dialect supplies values and functions; the machinery is here.

mod auth;
mod body;
mod client;
mod codec;
mod context;
mod cors;
mod dialect;
mod encoding;
mod errors;
mod frames;
mod handshake;
mod limits;
mod multipart;
mod observe;
mod printing;
mod retries;
mod session;
mod sockets;

mod hold_body;
mod times;
mod upload;

pub use auth::{Authenticated, QuietAuth};
pub use body::{JsonBody, QueryParams};
pub use client::client_of;
pub use codec::{Answer, Command, Credentials, Refusal, Resume, SocketCodec, SocketRoute, Viewer, read_frame, skipped};
pub use context::{Context, Stopping};
pub use cors::cors;
pub use dialect::{Dialect, Registry};
pub use encoding::{accepts, long_json};
pub use errors::{in_dialect, not_found, resource};
pub use handshake::{RawSocket, configure};
pub use hold_body::hold_body;
pub use limits::Limits;
pub use multipart::{FileForm, FormFields, TextForm};
pub use observe::{RequestSpan, count};
pub use printing::{absolute, content, json};
pub use retries::retry_id;
pub use sockets::{SocketCounts, Sockets};
pub use times::{utc_millis, utc_seconds, whole_second};
pub use upload::take_upload;
