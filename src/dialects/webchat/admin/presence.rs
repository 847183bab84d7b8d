//! Online users, for administrators and applications.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PageQuery, page_limit};
use crate::dialects::common::utc_millis;
use crate::dialects::webchat::error::ErrorBody;
use crate::domain::{Error, Field, OnlineCursor, OnlineUser, Result, UserId};
use crate::edge::{Context, Operating, QueryParams};

/// An online user.
#[derive(Serialize, ToSchema)]
pub(super) struct PresentUser {
    #[schema(example = 2)]
    id: u64,
    #[schema(example = "Bob")]
    username: String,
    #[schema(format = DateTime, example = "2025-10-26T12:00:00.000Z")]
    active_at: String,
}

impl From<&OnlineUser> for PresentUser {
    fn from(user: &OnlineUser) -> Self {
        Self { id: user.id.0, username: user.name.clone(), active_at: utc_millis(user.active_at_ms) }
    }
}

/// A page of online users, latest activity first.
#[derive(Serialize, ToSchema)]
pub(super) struct PresencePage {
    users: Vec<PresentUser>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists the online users. For administrators, and applications with the scope `presence:read`.
#[utoipa::path(
    get, path = "/api/v1/admin/presence", operation_id = "webchat_admin_list_presence", tag = "webchat",
    security(("bearer" = [])), params(PageQuery),
    responses(
        (status = 200, description = "The users", body = PresencePage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
    )
)]
pub(super) async fn list(
    operating: Operating,
    query: QueryParams<PageQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let after = query.0.cursor.as_deref().map(|text| cursor(text).ok_or(Error::Invalid(Field::Cursor))).transpose()?;
    let limit = page_limit(query.0.limit.as_deref())?;
    let (users, next) = context.services.presence.online_for(&operating.operator(), after, limit).await?;
    let next = next.map(|next| format!("{}-{}", next.active_at_ms, next.user));
    Ok(HttpResponse::Ok().json(PresencePage { users: users.iter().map(PresentUser::from).collect(), next }))
}

fn cursor(text: &str) -> Option<OnlineCursor> {
    let (active_at_ms, user) = text.split_once('-')?;
    Some(OnlineCursor { active_at_ms: active_at_ms.parse().ok()?, user: UserId(user.parse().ok()?) })
}
