//! What users set for their conversations.

use super::Rooms;
use crate::domain::{Caller, ConversationChange, ConversationSettings, Result, RoomId};

impl Rooms {
    /// Changes what the caller, a member, has set for a room. Only the caller's own connections are told.
    ///
    /// # Errors
    /// `RoomNotFound`, also for public rooms of which the caller is no member; `RateLimited`.
    pub async fn change_conversation(
        &self,
        room: RoomId,
        caller: &Caller,
        change: ConversationChange,
    ) -> Result<ConversationSettings> {
        self.limits.check_change(caller.id)?;
        self.store.change_conversation(room, caller.id, change).await
    }
}
