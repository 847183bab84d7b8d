//! Invites to register, made by administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use crate::dialects::common::utc_millis;
use crate::domain::{InviteTerms, Result};
use crate::edge::{Authenticated, Context, OptionalBody};
use crate::service::Operator;

const DEFAULT_USES: u32 = 1;
const DEFAULT_DAYS: u32 = 7;

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
    "invite": "abcdefghijklmnopqrst", "url": "https://chat.example.org/register?invite=abcdefghijklmnopqrst",
    "uses": 1, "expires_at": "2025-11-02T12:00:00.000Z"
}))]
pub(super) struct InviteEntry {
    /// The code, which is shown once.
    invite: String,
    /// The link to the registration.
    url: String,
    uses: u32,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Makes an invite to register. For administrators.
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
        invite: invite.code.expose().to_owned(),
        url: invite.link(&context.base_url(&request)),
        uses: invite.uses,
        expires_at: utc_millis(invite.expires_at_ms),
    }))
}
