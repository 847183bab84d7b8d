//! On which nodes a window of a user has the focus. Each node writes its own part, and renews it.

use redis::Pipeline;

use super::Store;
use crate::domain::{Result, UserId};

/// How long a node's part is good without a renewal.
pub const NODE_FOCUS_SECS: u64 = 150;

impl Store {
    /// Records of users whether one of their windows has the focus on this node. One round trip.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn note_focus(&self, users: &[(UserId, bool)]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(2 * users.len());
        for (user, has_focus) in users {
            let key = self.keys.focused(*user);
            match has_focus {
                true => {
                    pipeline.cmd("ZADD").arg(&key).arg(self.now_ms()).arg(&*self.node);
                    pipeline.cmd("EXPIRE").arg(&key).arg(NODE_FOCUS_SECS);
                }
                false => {
                    pipeline.cmd("ZREM").arg(&key).arg(&*self.node);
                }
            }
        }
        self.connection.run(&pipeline).await.map(drop)
    }
}
