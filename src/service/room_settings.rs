//! What the owner and admins of a room may change.

use super::Rooms;
use crate::domain::{Caller, Result, RoomChange, RoomDetails, RoomId};
use crate::store::PictureOwner;

impl Rooms {
    /// A group of the caller, or a public room.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `DirectRoom`.
    pub async fn details(&self, room: RoomId, caller: &Caller) -> Result<RoomDetails> {
        self.store.room_details(room, caller.id).await
    }

    /// Changes a room. Its owner and admins may. Its members are told; lists of other nodes show the change within two seconds.
    ///
    /// # Errors
    /// `RoomNotFound`, `Forbidden`, `DirectRoom`, `RateLimited`; `Invalid(Avatar)` unless the picture was uploaded.
    pub async fn change_settings(&self, room: RoomId, caller: &Caller, mut change: RoomChange) -> Result<RoomDetails> {
        self.limits.check_change(caller.id)?;
        if let Some(avatar) = &mut change.avatar {
            *avatar = self.uploads.own_picture(avatar).await?;
        }
        self.store.change_room(room, caller.id, &change, self.limits.send_rate()).await?;
        let Some(mut kept) = change.avatar else { return self.store.room_details(room, caller.id).await };
        loop {
            self.uploads.keep_picture(PictureOwner::Room(room), &kept).await;
            let details = self.store.room_details(room, caller.id).await?;
            // Of changes at once the one that was written first may be recorded last, by this or another request.
            if details.avatar == kept {
                return Ok(details);
            }
            kept = details.avatar;
        }
    }
}
