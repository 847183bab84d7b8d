//! Helpers that several dialects share. Knows no dialect.

mod optional;
mod paging;
mod printing;
mod uploads;

pub use optional::or_default;
pub use paging::{NEXT_CURSOR, skipped};
pub use printing::{absolute, content};
pub use uploads::receive_upload;

pub use crate::domain::{utc_millis, utc_seconds, whole_second};
