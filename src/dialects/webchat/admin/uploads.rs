//! Who uploads how much.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PageQuery, page_limit, position};
use crate::dialects::webchat::error::ErrorBody;
use crate::domain::{DELETED_NAME, Result, UploadTotal};
use crate::edge::{Authenticated, Context, QueryParams};
use crate::service::Operator;

/// A user's uploads.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadEntry {
    #[schema(example = 2)]
    id: u64,
    #[schema(example = "Bob")]
    username: String,
    /// Bytes of the user's files that are stored.
    bytes: u64,
    /// Bytes that count for the limit of the present day.
    day_bytes: u64,
}

impl From<UploadTotal> for UploadEntry {
    fn from(total: UploadTotal) -> Self {
        let username = total.name.unwrap_or_else(|| DELETED_NAME.to_owned());
        Self { id: total.id.0, username, bytes: total.bytes, day_bytes: total.day_bytes }
    }
}

/// A page of users by the bytes of their stored files, most first.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadPage {
    users: Vec<UploadEntry>,
    /// Bytes that a user may upload in a day; `null` without a limit.
    #[schema(required)]
    day_limit_bytes: Option<u64>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists users by the size of their stored files, largest first. Files of versions without this list do not count.
#[utoipa::path(
    get, path = "/api/v1/admin/uploads", operation_id = "webchat_admin_list_uploads", tag = "webchat",
    security(("bearer" = [])), params(PageQuery),
    responses(
        (status = 200, description = "The users", body = UploadPage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<PageQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (from, limit) = (position(query.0.cursor.as_deref())?, page_limit(query.0.limit.as_deref())?);
    let operator = Operator::Admin(&user.caller, &user.client);
    let found = context.services.administration.uploads(&operator, from, limit).await?;
    Ok(HttpResponse::Ok().json(UploadPage {
        users: found.users.into_iter().map(UploadEntry::from).collect(),
        day_limit_bytes: found.day_limit_bytes,
        next: found.next.map(|next| next.to_string()),
    }))
}
