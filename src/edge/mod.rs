//! Floor 3: what all dialects share of HTTP: authentication, limits, bodies, errors in dialect.
//!
//! Imports `domain`, `fanout`, `service` (and the settings and metrics that `app` hands out). A dialect supplies values and functions; the machinery is here.

mod auth;
mod body;
mod client;
mod context;
mod cors;
mod dialect;
mod errors;
mod limits;
mod multipart;
mod requests;
mod retries;
mod times;
mod unread;

pub use auth::{Authenticated, Unrecorded};
pub use body::{JsonBody, QueryParams};
pub use client::client_of;
pub use context::{Context, Stopping};
pub use cors::cors;
pub use dialect::{Dialect, Registry};
pub use errors::{in_dialect, not_found, resource};
pub use limits::Limits;
pub use multipart::{FileForm, FormFields, TextForm};
pub use requests::{RequestSpan, count};
pub use retries::retry_id;
pub use times::{utc_seconds, whole_second};
pub use unread::hold_unread;
