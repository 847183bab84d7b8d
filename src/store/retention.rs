//! For how long messages are kept.

/// Retention of a room's history. Document 003, note 4: 1000 messages, 7 days.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Maximum number of messages per room.
    pub max_messages: u64,
    /// Maximum age of a message, milliseconds.
    pub max_age_ms: u64,
}

impl Retention {
    /// Interval at which a busy room is trimmed by age: an hour for seven days. Readers skip expired messages in between.
    pub(super) fn sweep_ms(self) -> u64 {
        (self.max_age_ms / 168).max(1)
    }
}
