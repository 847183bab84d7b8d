//! Routes by which browsers subscribe to notifications without an open window (Web Push).

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::wire::Done;
use crate::domain::{Error, Field, PushSubscription, Result};
use crate::edge::{Authenticated, Context, JsonBody};

/// The key with which browsers subscribe.
#[derive(Serialize, ToSchema)]
pub(super) struct PushKey {
    /// An uncompressed point of P-256 as base64url: what browsers call `applicationServerKey`.
    public_key: String,
}

/// The key with which browsers subscribe to notifications of this server.
#[utoipa::path(
    get, path = "/api/v1/push/key", operation_id = "webchat_push_key", tag = "webchat",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The key", body = PushKey),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "The server sends no notifications", body = ErrorBody),
    )
)]
pub(super) async fn key(_: Authenticated, context: web::Data<Context>) -> Result<HttpResponse> {
    let public_key = context.services.push.public_key()?.to_owned();
    Ok(HttpResponse::Ok().json(PushKey { public_key }))
}

/// A subscription, as the browser's `PushSubscription` describes it.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({
    "endpoint": "https://push.example/send/1",
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg"
}))]
pub(super) struct SubscriptionBody {
    /// The address at the push service: `https`, on a public host.
    #[schema(required, value_type = String, min_length = 1, max_length = 1000)]
    endpoint: Option<String>,
    /// The browser's public key, base64url.
    #[schema(required, value_type = String)]
    p256dh: Option<String>,
    /// The browser's authentication secret, base64url.
    #[schema(required, value_type = String)]
    auth: Option<String>,
}

/// Subscribes a browser to notifications of direct messages and of messages that mention the caller. They are sent
/// while no window of the caller has the focus, encrypted for the browser, as long as the token of this request is
/// valid. Subscribing again is allowed. An eleventh subscription replaces the oldest.
#[utoipa::path(
    post, path = "/api/v1/push/subscriptions", operation_id = "webchat_subscribe_push", tag = "webchat",
    security(("bearer" = [])), request_body = SubscriptionBody,
    responses(
        (status = 201, description = "The browser is subscribed", body = Done, example = json!({"message": "Subscribed"})),
        (status = 400, description = "A field is missing or invalid, or nothing may be sent to the address", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "The server sends no notifications", body = ErrorBody),
    )
)]
pub(super) async fn subscribe(
    user: Authenticated,
    body: JsonBody<SubscriptionBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let SubscriptionBody { endpoint, p256dh, auth } = &body.0;
    let endpoint = endpoint.as_deref().ok_or(Error::Missing(Field::Endpoint))?;
    let p256dh = p256dh.as_deref().ok_or(Error::Missing(Field::PushKey))?;
    let auth = auth.as_deref().ok_or(Error::Missing(Field::PushAuth))?;
    let subscription = PushSubscription::parse(endpoint, p256dh, auth)?;
    context.services.push.subscribe(&user.caller, user.terms, subscription).await?;
    Ok(HttpResponse::Created().json(Done { message: "Subscribed" }))
}

/// The subscription that ends.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"endpoint": "https://push.example/send/1"}))]
pub(super) struct EndpointBody {
    /// Its address at the push service.
    #[schema(required, value_type = String)]
    endpoint: Option<String>,
}

/// Ends a subscription of the caller. Idempotent. It ends by itself with the token with which it was created.
#[utoipa::path(
    delete, path = "/api/v1/push/subscriptions", operation_id = "webchat_unsubscribe_push", tag = "webchat",
    security(("bearer" = [])), request_body = EndpointBody,
    responses(
        (status = 200, description = "There is no such subscription", body = Done, example = json!({"message": "Unsubscribed"})),
        (status = 400, description = "The address is missing", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn unsubscribe(
    user: Authenticated,
    body: JsonBody<EndpointBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let endpoint = body.0.endpoint.as_deref().ok_or(Error::Missing(Field::Endpoint))?;
    context.services.push.unsubscribe(&user.caller, endpoint).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Unsubscribed" }))
}
