//! Who is an administrator.

use actix_web::{HttpResponse, web};

use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::rooms::user_of;
use crate::dialects::webchat::wire::Done;
use crate::domain::{Result, Role};
use crate::edge::{Authenticated, Context};
use crate::service::Operator;

/// Makes a user an administrator, effective immediately. Idempotent.
#[utoipa::path(
    put, path = "/api/v1/admin/users/{id}/admin", operation_id = "webchat_admin_promote_user", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The user is an administrator", body = Done,
            example = json!({"message": "User promoted"})),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn promote(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    set(&user, &path, &context, Role::Admin, "User promoted").await
}

/// Makes an administrator an ordinary user, effective immediately. Idempotent.
#[utoipa::path(
    delete, path = "/api/v1/admin/users/{id}/admin", operation_id = "webchat_admin_demote_user", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u64, Path, description = "The user")),
    responses(
        (status = 200, description = "The user is no administrator", body = Done,
            example = json!({"message": "User demoted"})),
        (status = 400, description = "The user is the caller", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn demote(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    set(&user, &path, &context, Role::User, "User demoted").await
}

async fn set(
    user: &Authenticated,
    path: &str,
    context: &Context,
    role: Role,
    message: &'static str,
) -> Result<HttpResponse> {
    let operator = Operator::Admin(&user.caller, &user.client);
    context.services.administration.set_role(&operator, user_of(path)?, role).await?;
    Ok(HttpResponse::Ok().json(Done { message }))
}
