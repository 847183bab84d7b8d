//! Pictures of users and rooms. A picture that was uploaded here is kept as long as somebody has it.

use tracing::debug;

use super::upload_path::UploadPath;
use crate::store::{PictureOwner, Store};

/// Notes the picture that a user or room has from now on. Addresses of other servers need no care. Best effort: a picture
/// that is not noted is kept as one that nobody uses.
pub(super) async fn keep(store: &Store, owner: PictureOwner, address: &str) {
    let path = UploadPath::of_address(address).or_else(|| UploadPath::of_url(address));
    if let Err(error) = store.keep_picture(owner, path.map(|path| path.to_string()).as_deref()).await {
        debug!(%error, "could not note that a picture is used");
    }
}
