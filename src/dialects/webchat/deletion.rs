//! Deletion of the caller's account.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::sessions::own_password;
use super::wire::Done;
use crate::domain::{Error, Field, Result};
use crate::edge::{Authenticated, Context, JsonBody};

/// The password that confirms a deletion.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"password": "your_strong_password"}))]
pub(super) struct DeletionBody {
    #[schema(required, value_type = String, min_length = 6, max_length = 71)]
    password: Option<String>,
}

/// Deletes the caller's account. Messages stay, under the name `已注销`.
#[utoipa::path(
    delete, path = "/api/v1/me", operation_id = "webchat_delete_me", tag = "webchat",
    security(("bearer" = [])), request_body = DeletionBody,
    responses(
        (status = 200, description = "The account is deleted, and all tokens have ended", body = Done),
        (status = 400, description = "The password is missing", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The password is wrong", body = ErrorBody,
            example = json!({"error": "Wrong password", "code": "wrong_password"})),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn delete(
    user: Authenticated,
    body: JsonBody<DeletionBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let password = own_password(body.0.password.as_deref().ok_or(Error::Missing(Field::Password))?)?;
    context.services.accounts.delete(&user.caller, &password, &user.client).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Account deleted" }))
}
