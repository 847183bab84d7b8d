//! `POST /api/v1/upload/file`, which document 004 presupposes.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::common::{absolute, receive_upload};
use crate::domain::Result;
use crate::edge::{Authenticated, Context, FileForm};
use crate::service::Folder;

/// The form of the upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in OpenAPI; the handler reads the field by name")]
pub(super) struct FileUploadForm {
    /// JPEG, PNG, GIF, WebP, PDF, TXT, DOC, DOCX, XLS or XLSX, at most 10 MiB.
    #[schema(format = Binary)]
    file: String,
}

/// The fields of a message about the file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"url": "http://localhost:8080/uploads/files/7b1c….pdf", "fileName": "a.pdf", "fileSize": 102400}))]
pub(super) struct UploadedFile {
    url: String,
    file_name: String,
    file_size: u64,
}

/// The body of an error. With the query `ext=1` it also has a `code`.
#[derive(ToSchema)]
#[schema(as = imtypes::Refusal)]
#[expect(dead_code, reason = "describes the body in OpenAPI; the owner of the path prints it")]
struct Refusal {
    /// The reason, for people.
    error: String,
}

/// Uploads a file and returns its address, name and size.
#[utoipa::path(
    post, path = "/api/v1/upload/file", operation_id = "imtypes_upload_file", tag = "imtypes",
    security(("bearer" = [])),
    request_body(content_type = "multipart/form-data", content = FileUploadForm),
    responses(
        (status = 201, description = "The file was stored", body = UploadedFile),
        (status = 400, description = "No file, or a file of a type that is not allowed", body = Refusal,
            example = json!({"error": "No file provided or file type is not supported"})),
        (status = 401, description = "No valid token", body = Refusal, example = json!({"error": "Invalid or missing token"})),
        (status = 413, description = "The file is too large", body = Refusal, example = json!({"error": "Too large"})),
        (status = 429, description = "Too many uploads, or too much in a day; see `Retry-After`", body = Refusal,
            example = json!({"error": "Too many requests, try again later"})),
        (status = 507, description = "The server has no space left", body = Refusal,
            example = json!({"error": "The server has no space left"})),
    )
)]
pub(super) async fn file(
    user: Result<Authenticated>,
    request: HttpRequest,
    form: FileForm,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let file = receive_upload(user, form, &context, Folder::Files, "file").await?;
    let url = absolute(&context.base_url(&request), &file.url).into_owned();
    let uploaded =
        UploadedFile { url, file_name: file.name.unwrap_or_default(), file_size: file.size.unwrap_or_default() };
    Ok(HttpResponse::Created().json(uploaded))
}
