//! Messages, for applications.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::page_limit;
use crate::dialects::common::or_default;
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::message::ChatMessage;
use crate::dialects::webchat::requests::{NewFile, kind_of, new_message};
use crate::dialects::webchat::rooms::room_of;
use crate::domain::{Error, Field, HistoryQuery, MessageId, MessageKind, Result, RoomId, Seq, Span, UserId};
use crate::edge::{Context, JsonBody, ListFrame, Operating, QueryParams, long_list};
use crate::service::Receiver;

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = webchat::SentMessage, example = json!({"room_id": 101, "content": "The build has failed", "client_id": "build-7"}))]
pub(super) struct SentMessage {
    /// The room; or else `user_id`.
    room_id: Option<u32>,
    /// The user whom a direct message is for.
    user_id: Option<u64>,
    /// The user as whom it is sent; the application's own account when absent.
    sender_id: Option<u64>,
    /// 1 to 5000 characters; may be empty with a `file_url`.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(nullable, max_length = 5000)]
    content: String,
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

/// Sends a message. For applications with the scope `messages:write`, or `messages:impersonate` to send as a user.
#[utoipa::path(
    post, path = "/api/v1/admin/messages", operation_id = "webchat_admin_send_message", tag = "webchat",
    security(("bearer" = [])), request_body = SentMessage,
    responses(
        (status = 201, description = "The message", body = ChatMessage),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed, or the receiver blocks the sender", body = ErrorBody),
        (status = 404, description = "No such user or room, or a closed room of which the sender is not a member", body = ErrorBody),
        (status = 409, description = "The client id was used for another message", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn send(
    operating: Operating,
    body: JsonBody<SentMessage>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let body = body.0;
    let receiver = match (body.room_id, body.user_id) {
        (Some(room), None) => Receiver::Room(RoomId::new(room).ok_or(Error::RoomNotFound)?),
        (None, Some(user)) => Receiver::User(UserId(user)),
        (None, None) => return Err(Error::Missing(Field::Receiver)),
        (Some(_), Some(_)) => return Err(Error::Invalid(Field::Receiver)),
    };
    let kind = body.message_type.as_deref().map_or(Ok(MessageKind::Text), kind_of)?;
    let file = NewFile { url: body.file_url, name: body.file_name, size: body.file_size };
    let message = new_message(kind, body.content, body.client_id.as_deref(), file)?;
    let (operator, sender) = (operating.operator(), body.sender_id.map(UserId));
    let sent = context.services.messages.send_for(&operator, sender, receiver, message).await?;
    let base_url = context.base_url(&request);
    let sent = sent.seen_at(&base_url);
    Ok(HttpResponse::Created().json(ChatMessage::pushed(&sent, true, &base_url)))
}

/// A part of a room's history.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParams {
    /// The message before which the part ends, newest first; the latest messages when absent.
    before: Option<String>,
    /// The message after which the part begins, oldest first; not together with `before`.
    after: Option<String>,
    /// Maximum number of messages: 50 when absent, at most 500.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// Reads the history of any room, which marks nothing as read. For applications with the scope `messages:read`.
#[utoipa::path(
    get, path = "/api/v1/admin/rooms/{id}/messages", operation_id = "webchat_admin_list_messages", tag = "webchat",
    security(("bearer" = [])), params(("id" = u32, Path, description = "The room"), HistoryParams),
    responses(
        (status = 200, description = "The messages", body = [ChatMessage]),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such room", body = ErrorBody),
    )
)]
pub(super) async fn list(
    operating: Operating,
    path: web::Path<String>,
    query: QueryParams<HistoryParams>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let HistoryParams { before, after, limit } = query.0;
    let room = room_of(&path)?;
    let span = match (before, after) {
        (None, None) => Span::Latest,
        (Some(before), None) => Span::Before(seq_of(room, &before, Field::Before)?),
        (None, Some(after)) => Span::After(seq_of(room, &after, Field::After)?),
        (Some(_), Some(_)) => return Err(Error::Invalid(Field::After)),
    };
    let query = HistoryQuery::new(room, span, page_limit(limit.as_deref())?);
    let held = context.long_answers.admit(operating.caller().id).await?;
    let page = context.services.messages.history_for(&operating.operator(), query).await?;
    let base_url = context.base_url(&request);
    Ok(long_list(HttpResponse::Ok(), ListFrame::bare(), page.messages, held, move |message, printer| {
        printer.print(&ChatMessage::pushed(&message.seen_at(&base_url), true, &base_url));
    }))
}

/// The seq of a message of the room.
fn seq_of(room: RoomId, text: &str, field: Field) -> Result<Seq> {
    let message = text.parse().ok().and_then(MessageId::from_integer);
    message.filter(|(of, _)| *of == room).map(|(_, seq)| seq).ok_or(Error::Invalid(field))
}
