//! HTTP for all dialects: authentication, bodies, forms, conditional requests, compression, CORS, errors, observation.

mod allow;
pub(in crate::edge) mod auth;
pub(in crate::edge) mod body;
pub(in crate::edge) mod client;
pub(in crate::edge) mod cors;
mod disposition;
mod encoding;
pub(in crate::edge) mod errors;
mod etag;
mod extension;
mod file_name;
pub(in crate::edge) mod forwarded;
mod hold_body;
mod idempotency;
mod long_list;
mod manners;
mod multipart;
mod observe;
pub(in crate::edge) mod origin;
pub(in crate::edge) mod query;

pub use allow::AllowedMethods;
pub use auth::{Authenticated, QuietAuth};
pub use body::{JsonBody, OptionalBody};
pub use client::client_of;
pub use cors::cors;
pub use encoding::{accepts, json, long_json};
pub use errors::{in_dialect, not_found, resource};
pub use etag::{is_known, known_tags};
pub use extension::is_extended;
pub use hold_body::hold_body;
pub use idempotency::retry_id;
pub use long_list::{Frame as ListFrame, long_list};
pub use manners::is_head;
pub use multipart::{FileForm, FormFields, TextForm};
pub use observe::{RequestSpan, count};
pub use query::QueryParams;
