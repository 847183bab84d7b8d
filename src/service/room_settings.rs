//! What the owner and admins of a room may change.

use super::upload_path::{Folder, UploadPath};
use super::{Rooms, pictures};
use crate::domain::{Caller, Error, Field, Result, RoomChange, RoomDetails, RoomId};
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
    /// `RoomNotFound`, `Forbidden`, `DirectRoom`, `RateLimited`; `Invalid(Avatar)` unless the picture is an upload.
    pub async fn change_settings(&self, room: RoomId, caller: &Caller, mut change: RoomChange) -> Result<RoomDetails> {
        change.avatar = change.avatar.as_deref().map(own_picture).transpose()?;
        self.limits.check_change(caller.id)?;
        self.store.change_room(room, caller.id, &change, self.limits.send_rate()).await?;
        if let Some(avatar) = &change.avatar {
            pictures::keep(&self.store, PictureOwner::Room(room), avatar).await;
        }
        self.store.room_details(room, caller.id).await
    }
}

/// The path of an uploaded picture, whose address may have any host. An empty address stays empty.
fn own_picture(address: &str) -> Result<String> {
    if address.is_empty() {
        return Ok(String::new());
    }
    let path = UploadPath::of_address(address).or_else(|| UploadPath::of_url(address));
    let path = path.filter(|path| path.folder() == Folder::Images).ok_or(Error::Invalid(Field::Avatar))?;
    Ok(format!("/uploads/{path}"))
}
