//! Bounds of a user's rooms.

/// How many rooms a user may have. 0 means no limit.
#[derive(Clone, Copy, Debug)]
pub struct RoomLimits {
    /// Maximum number of rooms in which a user is, `global` aside.
    pub per_user: u64,
    /// Maximum number of rooms that a user creates in a day.
    pub made_daily: u64,
}

impl RoomLimits {
    /// Maximum number of entries in a list of rooms: `global` is one of them.
    pub(super) fn most_listed(self) -> u64 {
        if self.per_user == 0 { 0 } else { self.per_user + 1 }
    }

    /// Maximum number of entries of a kind to read; -1 for all.
    pub(super) fn most_read(self) -> i64 {
        if self.per_user == 0 { -1 } else { i64::try_from(self.most_listed()).unwrap_or(-1) }
    }
}
