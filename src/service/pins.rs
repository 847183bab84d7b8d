//! Messages that are pinned to their rooms.

use super::messages::Messages;
use crate::domain::{Caller, Message, Result, RoomId, Seq};

impl Messages {
    /// Pins a message to its room, or takes it away. The owner and admins may, in a direct room both users. Counts as sending.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`, `Blocked`, `TooManyPins`, `RateLimited`, `StorageFull`.
    pub async fn pin(&self, message: (RoomId, Seq), caller: &Caller, is_on: bool) -> Result<()> {
        match is_on {
            true => self.limits.check_send(caller.id)?,
            false => self.limits.check_change(caller.id)?,
        }
        self.store.pin(message, caller, is_on, self.limits.send_rate()).await
    }

    /// The pinned messages of a room, newest first.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member.
    pub async fn pinned(&self, room: RoomId, caller: &Caller) -> Result<Vec<Message>> {
        self.store.pinned(room, caller).await
    }
}
