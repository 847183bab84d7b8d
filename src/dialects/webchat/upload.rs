//! Upload of images: document 000, §1.2.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ErrorBody;
use crate::dialects::common::{absolute, receive_upload};
use crate::domain::Result;
use crate::edge::{Authenticated, Context, FileForm};
use crate::service::Folder;

/// The form of the upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in OpenAPI; the handler reads the field by name")]
pub(super) struct ImageForm {
    /// JPEG, PNG, GIF or WebP, at most 10 MiB.
    #[schema(format = Binary)]
    image: String,
}

/// The address of the image.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"url": "http://your-domain.com/uploads/images/filename.jpg"}))]
pub(super) struct Uploaded {
    url: String,
}

/// Uploads an image and returns its address.
#[utoipa::path(
    post, path = "/api/v1/upload/image", operation_id = "webchat_upload_image", tag = "webchat",
    security(("bearer" = [])),
    request_body(content_type = "multipart/form-data", content = ImageForm),
    responses(
        (status = 201, description = "The picture was stored", body = Uploaded),
        (status = 400, description = "No file, or not a picture", body = ErrorBody,
            example = json!({"error": "No file provided or file type is not supported"})),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 413, description = "The picture is too large", body = ErrorBody),
        (status = 429, description = "Too many uploads, or too much in a day; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn image(
    user: Result<Authenticated>,
    request: HttpRequest,
    form: FileForm,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let picture = receive_upload(user, form, &context, Folder::Images, "image").await?;
    let url = absolute(&context.base_url(&request), &picture.url).into_owned();
    Ok(HttpResponse::Created().json(Uploaded { url }))
}
