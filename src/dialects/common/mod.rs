//! Helpers that several dialects share. Knows no dialect.

mod optional;
mod paging;
mod printing;
mod times;
mod uploads;

pub use optional::or_default;
pub use paging::skipped;
pub use printing::{absolute, content};
pub use times::{utc_millis, utc_seconds, whole_second};
pub use uploads::receive_upload;
