//! Uploads that are not messages: documents 000 and 004.

use actix_web::web;

use crate::domain::{Attachment, Error, Field, FileName, Kind, Result};
use crate::edge::{Authenticated, Context, FileForm};
use crate::service::{Folder, NewUpload};

/// Receives the file in the form field `field`. For `Folder::Images` it must be an image.
///
/// # Errors
/// `Unauthenticated`, `TooLarge`, `RateLimited`, `StorageFull`, `Unavailable`, `Internal`; `Missing(File)` for everything
/// else.
pub async fn receive_upload(
    user: Result<Authenticated>,
    form: FileForm,
    context: &web::Data<Context>,
    folder: Folder,
    field: &str,
) -> Result<Attachment> {
    let user = match user {
        Ok(user) => user,
        Err(error) => return Err(form.refuse(error).await),
    };
    let uploads = &context.services.uploads;
    let announced_bytes = form.announced_bytes();
    let (file, fields) = form
        .read(field, uploads.max_bytes(), async |name, bytes| {
            let name = FileName::parse(&name.ok_or(Error::Missing(Field::FileName))?)?;
            uploads.receive(&user.caller, NewUpload { folder, name, announced_bytes }, bytes).await
        })
        .await;
    let outcome = match (fields, file) {
        (Ok(_), Some(file)) => Ok(uploads.publish(file).await),
        (Ok(_), None) => Err(Error::Missing(Field::File)),
        (Err(error), None) => Err(error),
        (Err(error), Some(file)) => {
            file.discard().await;
            Err(error)
        }
    };
    outcome.map_err(|error| match error.kind() {
        Kind::Unauthorized
        | Kind::TooLarge
        | Kind::RateLimited
        | Kind::Internal
        | Kind::Unavailable
        | Kind::StorageFull => error,
        Kind::BadRequest
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::UnsupportedType => Error::Missing(Field::File),
    })
}
