//! Floor 0: frames and close codes of RFC 6455. Every module may import this one; it imports nothing of the crate.
//!
//! [`CloseCode`] is the source of the close codes on the dashboard, in `/metrics` and in `docs/protocols/README.md`.
//! Tests keep them in step with it.

mod close;
mod frame;

pub use close::{CUT, Close, CloseCode};
pub use frame::{Opcode, close_frame, control_frame, declared_length, text_frame};
