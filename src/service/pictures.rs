//! Pictures of users and rooms. A picture that was uploaded here is kept as long as somebody has it.

use tracing::debug;

use super::upload_path::{Folder, UploadPath};
use super::uploads::Uploads;
use crate::domain::{Error, Field, Result};
use crate::store::PictureOwner;

impl Uploads {
    /// The path of an uploaded picture, whose address may have any host. From now on the picture is kept as if it was new. An
    /// empty address stays empty.
    ///
    /// # Errors
    /// `Invalid(Avatar)` unless there is such a picture; `Unavailable`.
    pub(super) async fn own_picture(&self, address: &str) -> Result<String> {
        if address.is_empty() {
            return Ok(String::new());
        }
        let path = UploadPath::of_address(address).or_else(|| UploadPath::of_url(address));
        let path = path.filter(|path| path.folder() == Folder::Images).ok_or(Error::Invalid(Field::Avatar))?;
        // In this order, so that the picture is not removed as unused behind the check.
        self.store.renew_upload(&path.to_string()).await?;
        if !self.files.shelf.exists(&path).await? {
            return Err(Error::Invalid(Field::Avatar));
        }
        Ok(format!("/uploads/{path}"))
    }

    /// The address of a picture as it is stored: of a file of this server without the host, so that each reader gets
    /// the own one.
    pub(super) async fn stored_picture(&self, address: &str) -> String {
        let path = self.uploaded(address).await;
        path.map_or_else(|| address.to_owned(), |path| format!("/uploads/{path}"))
    }

    /// Records the picture that a user or room has from now on. Addresses of other servers need no care. Best effort: a
    /// picture that is not recorded is kept as one that nobody uses.
    pub(super) async fn keep_picture(&self, owner: PictureOwner, address: &str) {
        let path = UploadPath::of_address(address).or_else(|| UploadPath::of_url(address));
        if let Err(error) = self.store.keep_picture(owner, path.map(|path| path.to_string()).as_deref()).await {
            debug!(%error, "could not mark a picture as used");
        }
    }
}
