//! Webhooks: routes for a room's owner and admins, the route through which other programs post, and the body of
//! outgoing requests.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::message::ChatMessage;
use super::requests::{NewFile, kind_of, new_message};
use super::rooms::room_of;
use super::slack;
use super::wire::Done;
use crate::dialects::common::utc_millis;
use crate::domain::{
    Error, Field, HookHealth, HookToken, Message, MessageKind, OutgoingHook, Result, UserId, UserName, now_ms,
};
use crate::edge::{Authenticated, Context, JsonBody, PayloadBody, client_of};
use crate::service::{ListedHook, Operator, shown_secret};

/// A webhook to create.
#[derive(Deserialize, ToSchema)]
#[schema(as = webchat::NewHook, example = json!({"kind": "incoming", "name": "Build"}))]
pub(super) struct NewHook {
    /// `incoming` (other programs post through it) or `outgoing` (messages are sent to it).
    #[schema(pattern = "^(incoming|outgoing)$")]
    kind: String,
    /// For an incoming webhook: the name of its messages, which no user may have.
    #[schema(min_length = 1, max_length = 32)]
    name: Option<String>,
    /// For an outgoing webhook: the URL, `https` or `http`.
    #[schema(min_length = 1, max_length = 2000)]
    url: Option<String>,
}

/// A new webhook. Its secrets are shown only here.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = webchat::MadeHook, example = json!({
    "id": "0123456789abcdef", "kind": "incoming", "name": "Build", "url": "https://chat.example.org/api/v1/hooks/cwh_…"
}))]
pub(super) struct MadeHook {
    id: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The URL to post to, with the secret token; or the URL to which messages are sent.
    url: String,
    /// For an outgoing webhook: the secret that signs its requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

/// Creates a webhook. For the room's owner and admins, and in public rooms for administrators.
#[utoipa::path(
    post, path = "/api/v1/rooms/{id}/hooks", operation_id = "webchat_create_hook", tag = "webchat",
    security(("bearer" = [])), params(("id" = u32, Path, description = "The room")), request_body = NewHook,
    responses(
        (status = 201, description = "The webhook", body = MadeHook),
        (status = 400, description = "A field is missing or invalid, the address may not be reached, or the room is a direct one", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
        (status = 409, description = "A user has the name, or it was that of a webhook whose account was banned or deleted", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The room, the caller or the server has as many as are possible, or the room has had too many names", body = ErrorBody),
    )
)]
pub(super) async fn create(
    user: Authenticated,
    path: web::Path<String>,
    body: JsonBody<NewHook>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (operator, room, body) = (Operator::Admin(&user.caller, &user.client), room_of(&path)?, body.0);
    let hooks = &context.services.hooks;
    let made = match body.kind.as_str() {
        "incoming" => {
            let name = UserName::parse(body.name.as_deref().ok_or(Error::Missing(Field::UserName))?)?;
            let (token, hook) = hooks.create_incoming(&operator, room, &name).await?;
            let url = format!("{}/api/v1/hooks/{}", context.base_url(&request), token.expose());
            MadeHook { id: hook.id.to_string(), kind: "incoming", name: Some(hook.name), url, secret: None }
        }
        "outgoing" => {
            let url = body.url.as_deref().ok_or(Error::Missing(Field::Url))?;
            let hook = hooks.create_outgoing(&operator, Some(room), url).await?;
            let (secret, url) = (Some(shown_secret(&hook).to_owned()), hook.url.as_str().to_owned());
            MadeHook { id: hook.id.to_string(), kind: "outgoing", name: None, url, secret }
        }
        _ => return Err(Error::Invalid(Field::Type)),
    };
    Ok(HttpResponse::Created().json(made))
}

/// A webhook in the list, without secrets.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::Hook)]
pub(super) struct HookEntry {
    id: String,
    #[schema(pattern = "^(incoming|outgoing)$")]
    kind: &'static str,
    /// For an incoming webhook: the name of its messages.
    #[schema(required)]
    name: Option<String>,
    /// For an outgoing webhook: the URL.
    #[schema(required)]
    url: Option<String>,
    /// `null` for the command line.
    #[schema(required)]
    created_by: Option<u64>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last posted (to the minute), or when a message was last delivered.
    #[schema(required)]
    used_at: Option<String>,
    /// `ok`, `failing` while deliveries fail, `dead` after a day of failures, or `paused` while `created_by` may not create
    /// webhooks in the room.
    #[schema(pattern = "^(ok|failing|dead|paused)$")]
    state: &'static str,
    /// Why the latest delivery failed.
    #[schema(required)]
    error: Option<String>,
    /// Number of messages that were dropped after a day.
    given_up: u64,
}

impl From<(ListedHook, bool)> for HookEntry {
    fn from((hook, is_paused): (ListedHook, bool)) -> Self {
        let (id, origin, used_at_ms, health) = match &hook {
            ListedHook::Incoming(hook, used) => (&hook.id, hook.origin, *used, HookHealth::default()),
            ListedHook::Outgoing(hook, health) => (&hook.id, hook.origin, health.delivered_at_ms, health.clone()),
        };
        let (id, state) = (id.to_string(), if is_paused { "paused" } else { health.state(now_ms()) });
        let (kind, name, url) = match hook {
            ListedHook::Incoming(hook, _) => ("incoming", Some(hook.name), None),
            ListedHook::Outgoing(hook, _) => ("outgoing", None, Some(hook.url.as_str().to_owned())),
        };
        Self {
            id,
            kind,
            name,
            url,
            created_by: Some(origin.made_by).filter(|user| *user != UserId::SERVER).map(|user| user.0),
            created_at: utc_millis(origin.made_at_ms),
            used_at: used_at_ms.map(utc_millis),
            state,
            error: health.error,
            given_up: health.given_up,
        }
    }
}

/// Lists the webhooks of a room. For its owner and admins, and in public rooms for administrators.
#[utoipa::path(
    get, path = "/api/v1/rooms/{id}/hooks", operation_id = "webchat_list_hooks", tag = "webchat",
    security(("bearer" = [])), params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "The webhooks", body = [HookEntry]),
        (status = 400, description = "The room is a direct one", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let operator = Operator::Admin(&user.caller, &user.client);
    let hooks = context.services.hooks.list_with_pauses(&operator, Some(room_of(&path)?)).await?;
    Ok(HttpResponse::Ok().json(hooks.into_iter().map(HookEntry::from).collect::<Vec<_>>()))
}

/// Deletes a webhook of a room. Its messages stay. For the room's owner and admins, and in public rooms for
/// administrators.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{id}/hooks/{hook}", operation_id = "webchat_remove_hook", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room"), ("hook" = String, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The webhook is removed", body = Done, example = json!({"message": "Webhook removed"})),
        (status = 400, description = "The room is a direct one", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such webhook or room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn remove(
    user: Authenticated,
    path: web::Path<(String, String)>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (room, hook) = path.into_inner();
    let operator = Operator::Admin(&user.caller, &user.client);
    context.services.hooks.remove(&operator, Some(room_of(&room)?), &hook.parse()?).await?;
    Ok(HttpResponse::Ok().json(Done { message: "Webhook removed" }))
}

/// A message to post. With `text` alone it has Slack's format; Slack's other fields are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(as = webchat::HookMessage, example = json!({"text": "The build has failed"}))]
pub(super) struct HookMessage {
    /// Slack's text: `&amp;`, `&lt;` and `&gt;` stand for `&`, `<` and `>`, and `<https://…|label>` is a link.
    #[schema(max_length = 5000)]
    text: Option<String>,
    /// The text as it is; may be empty with a `file_url`.
    #[schema(max_length = 5000)]
    content: Option<String>,
    /// `text` when absent; or `image`, `file`, `audio`, `video`, `emoji`.
    #[schema(pattern = "^(text|image|file|audio|video|emoji)$")]
    message_type: Option<String>,
    #[schema(min_length = 1, max_length = 2000)]
    file_url: Option<String>,
    file_name: Option<String>,
    file_size: Option<u64>,
    /// An id that makes retries safe for 24 hours.
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// Posts through an incoming webhook. The body may also be a form whose field `payload` has the JSON, as Slack's.
#[utoipa::path(
    post, path = "/api/v1/hooks/{token}", operation_id = "webchat_post_by_hook", tag = "webchat", security(()),
    params(("token" = String, Path, description = "The webhook's secret token")), request_body = HookMessage,
    responses(
        (status = 200, description = "`ok`, in answer to `text`", body = String, content_type = "text/plain"),
        (status = 201, description = "The message, in answer to `content`", body = ChatMessage),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 403, description = "The webhook's account was removed from the room, or the webhook is paused", body = ErrorBody),
        (status = 404, description = "No such webhook or room, or its account was banned or deleted", body = ErrorBody),
        (status = 409, description = "The client id was used for another message", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn post(
    path: web::Path<String>,
    body: PayloadBody<HookMessage>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let body = body.0;
    let is_slack = body.content.is_none() && body.text.is_some();
    let content = body.content.or_else(|| body.text.as_deref().map(slack::readable)).unwrap_or_default();
    let kind = body.message_type.as_deref().map_or(Ok(MessageKind::Text), kind_of)?;
    let file = NewFile { url: body.file_url, name: body.file_name, size: body.file_size };
    let message = new_message(kind, content, body.client_id.as_deref(), file)?;
    let client = client_of(&request, &context.trusted_proxies);
    let sent = context.services.messages.send_by_hook(&HookToken::of(&path), &client, message).await?;
    if is_slack {
        return Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok"));
    }
    let base_url = context.base_url(&request);
    let sent = sent.seen_at(&base_url);
    Ok(HttpResponse::Created().json(ChatMessage::pushed(&sent, true, &base_url)))
}

/// The body of a request to an outgoing webhook.
#[derive(Serialize)]
struct Delivery<'a> {
    event: &'static str,
    hook_id: &'a str,
    room_id: u32,
    message: ChatMessage<'a>,
}

/// Formats a message for an outgoing webhook. File URLs begin with `base_url`, unless it is empty.
pub fn print_delivery(hook: &OutgoingHook, message: &Message, base_url: &str) -> Bytes {
    let message = message.seen_at(base_url);
    let delivery = Delivery {
        event: "message",
        hook_id: hook.id.as_str(),
        room_id: message.id.room.number(),
        message: ChatMessage::pushed(&message, true, base_url),
    };
    serde_json::to_vec(&delivery).expect("fields of text and numbers").into()
}
