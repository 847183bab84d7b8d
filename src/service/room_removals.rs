//! Removing rooms.

use tracing::{info, warn};

use super::audit::{Act, Operator, Target, record};
use super::uploads::Uploads;
use crate::domain::{Caller, Client, EntryId, Error, Result, RoomId, RoomKind, UserId};
use crate::store::{PictureOwner, Removal, Store};

/// Removes rooms with all that belongs to them.
pub struct RoomRemovals {
    store: Store,
    uploads: Uploads,
}

impl RoomRemovals {
    /// Removals over a store, and the files of the messages in it.
    pub fn new(store: Store, uploads: Uploads) -> Self {
        Self { store, uploads }
    }

    /// Removes a group or a public room. Its owner may, and administrators, whose removals are in the audit log. Numbers
    /// of rooms are never given again.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `Forbidden`; `PermanentRoom` for the
    /// global room and direct rooms.
    pub async fn remove(&self, room: RoomId, caller: &Caller, client: &Client) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Err(Error::PermanentRoom);
        }
        match self.store.remove_room(room, caller.id, false).await {
            Ok((removal, _)) => self.finish(removal).await,
            Err(refused @ (Error::Forbidden | Error::RoomNotFound)) => {
                // The caller's role is read only when it decides.
                match self.remove_any(room, &Operator::Admin(caller, client)).await {
                    Err(Error::Forbidden) => Err(refused),
                    outcome => outcome,
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a room of whomever, and records it.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `PermanentRoom`.
    pub async fn remove_any(&self, room: RoomId, operator: &Operator<'_>) -> Result<()> {
        operator.administer(&self.store).await?;
        let (_, kind, name) = self.store.room_names(&[room]).await?.pop().ok_or(Error::RoomNotFound)?;
        if room == RoomId::GLOBAL || kind == RoomKind::Direct {
            return Err(Error::PermanentRoom);
        }
        record(&self.store, operator, Act::RemoveRoom, Some(Target::Room(room, name))).await?;
        let actor = operator.caller().map_or(UserId::SERVER, |caller| caller.id);
        let (removal, _) = self.store.remove_room(room, actor, true).await?;
        self.finish(removal).await
    }

    /// Finishes removals that other nodes left half-done. Called once a minute.
    pub async fn housekeeping(&self) -> Result<()> {
        for removal in self.store.abandoned_removals().await? {
            let room = removal.room;
            // One that fails must not keep the others waiting.
            if let Err(error) = self.finish(removal).await {
                warn!(room.id = %room, %error, "could not finish the removal of a room");
            }
        }
        Ok(())
    }

    async fn finish(&self, removal: Removal) -> Result<()> {
        let room = removal.room;
        if self.store.is_removed(room).await? {
            self.store.dismiss_members(room).await?;
            self.store.remove_hooks_of(room).await?;
            self.remove_files(room).await?;
            self.store.keep_picture(PictureOwner::Room(room), None).await?;
            self.store.forget_room(room).await?;
            info!(room.id = %room, "room removed");
        }
        self.store.end_removals(&[removal]).await
    }

    /// Removes the files that were uploaded with the room's messages.
    async fn remove_files(&self, room: RoomId) -> Result<()> {
        let mut after = EntryId::START;
        loop {
            let messages = self.store.former_messages(room, after).await?;
            let Some(last) = messages.last() else { return Ok(()) };
            after = last.id.entry;
            for file in messages.iter().filter_map(|message| message.attachment.as_ref()) {
                self.uploads.delete_with_message(file).await?;
            }
        }
    }
}
