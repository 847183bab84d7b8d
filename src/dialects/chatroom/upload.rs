//! Upload of files as messages: document 003, §2.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::Detail;
use super::room_of;
use super::times::Times;
use super::wire::{ChatMessage, UploadForm};
use crate::domain::{ClientId, Content, Error, Field, FileName, Result};
use crate::edge::{Authenticated, Context, FileForm, retry_id};
use crate::service::{Folder, NewUpload};

/// Uploads a file and sends it to a room.
#[utoipa::path(
    post, path = "/api/chat/upload", operation_id = "chatroom_upload_file", tag = "chatroom",
    security(("bearer" = [])),
    request_body(content_type = "multipart/form-data", content = UploadForm),
    responses(
        (status = 200, description = "The message with the file", body = ChatMessage),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 403, description = "The caller was removed from the room, or the other user blocks the caller", body = Detail),
        (status = 404, description = "No such room", body = Detail),
        (status = 409, description = "The client id was used for another message", body = Detail),
        (status = 413, description = "The file is too large", body = Detail),
        (status = 415, description = "The type of the file is not allowed", body = Detail),
        (status = 429, description = "Too many uploads, or too much in a day; see `Retry-After`", body = Detail),
        (status = 507, description = "The server has no space left", body = Detail),
    )
)]
pub(super) async fn upload(
    user: Result<Authenticated>,
    request: HttpRequest,
    form: FileForm,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let admitted = user.and_then(|user| Ok((user, retry_id(&request, &context)?)));
    let (user, client_id) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => return Err(form.refuse(error).await),
    };
    let uploads = &context.services.uploads;
    let announced_bytes = form.announced_bytes();
    let (file, fields) = form
        .read("file", uploads.max_bytes(), async |name, bytes| {
            let name = FileName::parse(&name.ok_or(Error::Missing(Field::FileName))?)?;
            uploads.receive(&user.caller, NewUpload { folder: Folder::Chat, name, announced_bytes }, bytes).await
        })
        .await;
    let meant = fields.and_then(|fields| {
        // The field takes precedence over the header, as in the body of a message.
        let own_id = fields.get("client_id")?.map(ClientId::parse).transpose()?;
        Ok((room_of(fields.get("room_id")?)?, own_id.or(client_id)))
    });
    let ((room, client_id), file) = match (meant, file) {
        (Ok(meant), Some(file)) => (meant, file),
        (Ok(_), None) => return Err(Error::Missing(Field::File)),
        (Err(error), None) => return Err(error),
        (Err(error), Some(file)) => {
            file.discard().await;
            return Err(error);
        }
    };
    let text = Content::parse(format!("发送了文件: {}", file.name()))?;
    let sent = context.services.messages.send_file(room, &user.caller, file, text, client_id).await?;
    Ok(HttpResponse::Ok().json(ChatMessage::of(&sent, &times)))
}
