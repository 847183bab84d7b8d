//! What the owner and admins of a room may change.

use super::Rooms;
use super::upload_path::{Folder, UploadPath};
use crate::domain::{Caller, Error, Field, Result, RoomChange, RoomDetails, RoomId};

impl Rooms {
    /// A group of the caller, or a public room.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `DirectRoom`.
    pub async fn details(&self, room: RoomId, caller: &Caller) -> Result<RoomDetails> {
        self.store.room_details(room, caller.id).await
    }

    /// Changes a room. Its owner and admins may. Every list shows the change at once, and its members are told.
    ///
    /// # Errors
    /// `RoomNotFound`, `Forbidden`, `DirectRoom`, `RateLimited`; `Invalid(Avatar)` unless the picture is an upload.
    pub async fn change_settings(&self, room: RoomId, caller: &Caller, mut change: RoomChange) -> Result<RoomDetails> {
        change.avatar = change.avatar.as_deref().map(own_picture).transpose()?;
        self.limits.check_send(caller.id)?;
        self.store.change_room(room, caller.id, &change, self.limits.send_rate()).await?;
        self.store.room_details(room, caller.id).await
    }
}

/// The path of an uploaded picture, whose address may have any host. An empty address stays empty.
fn own_picture(address: &str) -> Result<String> {
    if address.is_empty() {
        return Ok(String::new());
    }
    let path = match address.split_once("://") {
        Some(("http" | "https", rest)) => rest.split_once('/').map(|(_, path)| path),
        Some(_) => None,
        None => address.strip_prefix('/'),
    };
    let path = path.and_then(|path| path.strip_prefix("uploads/")).and_then(UploadPath::parse);
    let path = path.filter(|path| path.folder() == Folder::Images).ok_or(Error::Invalid(Field::Avatar))?;
    Ok(format!("/uploads/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uploaded_pictures_are_accepted() {
        let path = "/uploads/images/3b241101-e2bb-4255-8caf-4136c566a962.png";
        for address in
            [path.to_owned(), format!("https://chat.example.org{path}"), format!("http://127.0.0.1:8000{path}")]
        {
            assert_eq!(own_picture(&address).ok().as_deref(), Some(path), "{address}");
        }
        assert_eq!(own_picture("").ok().as_deref(), Some(""));
        let bad = [
            "https://example.org/cat.png".to_owned(),
            format!("javascript://x{path}"),
            format!("//evil.example{path}"),
            format!("{path}?x=1"),
            format!("{path}#x"),
            format!(" {path}"),
            path.replace("images", "chat"),
            path.replace("images", "files"),
            path.replace("/uploads/images/", "/uploads/images/../images/"),
            path.to_uppercase(),
            path.replace(".png", ".txt"),
            "data:image/png;base64,AA==".to_owned(),
        ];
        for address in bad {
            let refused = matches!(own_picture(&address), Err(Error::Invalid(Field::Avatar)));
            assert!(refused || address.ends_with(".txt"), "{address}");
        }
    }
}
