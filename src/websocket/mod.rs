//! Floor 0: what RFC 6455 says about frames and closing, in one place. Everyone may import this module; it imports
//! nothing of the crate.
//!
//! The table of close codes is the source for the metrics' labels, for the dashboard's words and for the table in
//! `docs/protocols/README.md`; a test keeps the latter two in step.

mod close;
mod frame;

pub use close::{CUT, Close, CloseCode, may_be_sent};
pub use frame::{Opcode, close_frame, control_frame, declared_length, text_frame};
