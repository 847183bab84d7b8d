//! Invites to register, created by administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ErrorBody;
use super::wire::Done;
use crate::dialects::common::utc_millis;
use crate::domain::{Error, InviteId, InviteSummary, InviteTerms, Limit, Result, position_cursor};
use crate::edge::{Authenticated, Context, OptionalBody, QueryParams};
use crate::service::Operator;

const DEFAULT_USES: u32 = 1;
const DEFAULT_DAYS: u32 = 7;
const DEFAULT_PAGE: Limit = Limit::of(50);
const MAX_PAGE: usize = 500;

/// Terms of an invite.
#[derive(Default, Deserialize, ToSchema)]
#[schema(example = json!({"uses": 1, "days": 7}))]
pub(super) struct InviteBody {
    /// Accounts that it may make: 1 to 1000, 1 when absent.
    #[schema(minimum = 1, maximum = 1000)]
    uses: Option<u32>,
    /// Days for which it is valid: 1 to 365, 7 when absent.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u32>,
}

/// An invite.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0123456789abcdef0123456789abcdef-1761480000000-1",
    "invite": "abcdefghijklmnopqrst", "url": "https://chat.example.org/register?invite=abcdefghijklmnopqrst",
    "uses": 1, "expires_at": "2025-11-02T12:00:00.000Z"
}))]
pub(super) struct InviteEntry {
    /// Its id.
    id: String,
    /// The code, which is shown once.
    invite: String,
    /// The link to the registration.
    url: String,
    uses: u32,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Creates an invite to register. For administrators.
#[utoipa::path(
    post, path = "/api/v1/auth/invites", operation_id = "webchat_create_invite", tag = "webchat",
    security(("bearer" = [])),
    request_body(content = Option<InviteBody>),
    responses(
        (status = 201, description = "The invite", body = InviteEntry),
        (status = 400, description = "A term is not valid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn create(
    user: Authenticated,
    body: OptionalBody<InviteBody>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let InviteBody { uses, days } = body.0.unwrap_or_default();
    let terms = InviteTerms::new(uses.unwrap_or(DEFAULT_USES), days.unwrap_or(DEFAULT_DAYS))?;
    let invite = context.services.administration.invite(&Operator::Admin(&user.caller, &user.client), terms).await?;
    Ok(HttpResponse::Created().json(InviteEntry {
        id: invite.id.to_string(),
        invite: invite.code.expose().to_owned(),
        url: invite.link(&context.base_url(&request)),
        uses: invite.uses,
        expires_at: utc_millis(invite.expires_at_ms),
    }))
}

/// An invite in the list, which has no codes.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0123456789abcdef0123456789abcdef-1761480000000-1", "created_at": "2025-10-26T12:00:00.000Z",
    "created_by": {"id": 1, "username": "Alice"}, "uses": 5, "used": 2, "expires_at": "2025-11-02T12:00:00.000Z"
}))]
pub(super) struct ListedInvite {
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// `null` for invites of the command line and of deleted users.
    #[schema(required)]
    created_by: Option<InviteMaker>,
    /// Accounts that it may make.
    uses: u64,
    /// Accounts that were created with it.
    used: u64,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Who created an invite.
#[derive(Serialize, ToSchema)]
pub(super) struct InviteMaker {
    id: u64,
    username: String,
}

impl From<InviteSummary> for ListedInvite {
    fn from(invite: InviteSummary) -> Self {
        Self {
            created_at: utc_millis(invite.id.made_at_ms),
            id: invite.id.to_string(),
            created_by: invite.made_by.map(|user| InviteMaker { id: user.id.0, username: user.name }),
            uses: invite.uses,
            used: invite.used,
            expires_at: utc_millis(invite.expires_at_ms),
        }
    }
}

/// A page of invites, the one that expires last first. It may have fewer than `limit` although there is a next one.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitePage {
    invites: Vec<ListedInvite>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
}

/// A page of the invites.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InvitesQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// Maximum number of entries: 50 when absent, at most 500.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// Lists the invites that have not expired. For administrators.
#[utoipa::path(
    get, path = "/api/v1/auth/invites", operation_id = "webchat_list_invites", tag = "webchat",
    security(("bearer" = [])), params(InvitesQuery),
    responses(
        (status = 200, description = "The invites", body = InvitePage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<InvitesQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let from = query.0.cursor.as_deref().map_or(Ok(0), position_cursor)?;
    let limit = Limit::parse_or(query.0.limit.as_deref(), DEFAULT_PAGE, MAX_PAGE)?;
    let operator = Operator::Admin(&user.caller, &user.client);
    let (invites, next) = context.services.administration.invites(&operator, from, limit).await?;
    let invites = invites.into_iter().map(ListedInvite::from).collect();
    Ok(HttpResponse::Ok().json(InvitePage { invites, next: next.map(|next| next.to_string()) }))
}

/// Revokes an invite. Accounts that were created with it stay. For administrators.
#[utoipa::path(
    delete, path = "/api/v1/auth/invites/{id}", operation_id = "webchat_revoke_invite", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The invite")),
    responses(
        (status = 200, description = "The invite is revoked", body = Done, example = json!({"message": "Invite revoked"})),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such invite", body = ErrorBody),
    )
)]
pub(super) async fn revoke(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let operator = Operator::Admin(&user.caller, &user.client);
    let id = InviteId::parse(&path).ok_or(Error::NotFound)?;
    context.services.administration.revoke_invite(&operator, &id).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Invite revoked" }))
}
