//! Sending, reading and deleting messages: document 003, §§1, 3, 10.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::error::Detail;
use super::room_of;
use super::times::Times;
use super::wire::{ChatMessage, Done, MessagesQuery, RoomQuery, SendBody};
use crate::domain::{
    ClientId, Content, Error, Field, HistoryQuery, Limit, Message, MessageId, NewMessage, Result, RoomId, Span,
    Watermark,
};
use crate::edge::{Authenticated, Context, JsonBody, QueryParams, retry_id};

/// Document 003, §3: 50 messages when not said otherwise, at most 100.
const DEFAULT_LIMIT: Limit = Limit::of(50);
const MAX_LIMIT: usize = 100;
/// Messages belong to whoever asked; a shared cache must not keep them.
const CACHE_CONTROL: &str = "private, no-cache";

/// Sends a message to a room; a public room is joined by it.
#[utoipa::path(
    post, path = "/api/chat/send", tag = "chatroom", security(("bearer" = [])), params(RoomQuery),
    request_body = SendBody,
    responses(
        (status = 200, description = "The stored message", body = ChatMessage),
        (status = 400, description = "请求参数错误或格式不正确", body = Detail),
        (status = 401, description = "未提供有效的JWT Token", body = Detail),
        (status = 404, description = "聊天室不存在", body = Detail),
        (status = 409, description = "The client id was used for another message", body = Detail),
        (status = 429, description = "Too many messages; see `Retry-After`", body = Detail),
    )
)]
pub(super) async fn send(
    user: Authenticated,
    query: QueryParams<RoomQuery>,
    request: HttpRequest,
    body: JsonBody<SendBody>,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let room = room_of(query.0.room_id.as_deref())?;
    let message = new_message(room, body.0, retry_id(&request, &context)?)?;
    let sent = context.services.messages.send(room, &user.caller, message).await?;
    Ok(HttpResponse::Ok().json(ChatMessage::of(&sent, &times)))
}

fn new_message(room: RoomId, body: SendBody, retry_id: Option<ClientId>) -> Result<NewMessage> {
    let kind = body.message_type.into();
    let text = Content::parse(body.content)?;
    let reply_to = match body.reply_to {
        Some(id) => {
            let id = message_id(room, &id).ok_or(Error::Invalid(Field::ReplyTo))?;
            Some(id.entry)
        }
        None => None,
    };
    let client_id = match body.client_id {
        Some(id) => Some(ClientId::parse(&id)?),
        None => retry_id,
    };
    Ok(NewMessage::new(kind, text).replying_to(reply_to).with_client_id(client_id))
}

/// A message id that belongs to this room.
fn message_id(room: RoomId, text: &str) -> Option<MessageId> {
    let id = MessageId::from_uuid(Uuid::try_parse(text).ok()?)?;
    (id.room == room).then_some(id)
}

/// A room's history: newest first, or with `after` oldest first.
#[utoipa::path(
    get, path = "/api/chat/messages", tag = "chatroom", security(("bearer" = [])),
    params(MessagesQuery, ("If-None-Match" = Option<String>, Header, description = "An `ETag` of an answer before")),
    responses(
        (status = 200, description = "The messages", body = [ChatMessage],
            headers(("ETag" = String, description = "Changes with each message and each deletion in the room"))),
        (status = 304, description = "Nothing has changed since that `ETag`"),
        (status = 400, description = "请求参数错误或格式不正确", body = Detail),
        (status = 401, description = "未提供有效的JWT Token", body = Detail),
        (status = 404, description = "聊天室不存在", body = Detail),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<MessagesQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let Poll { query, is_empty } = poll_of(&query.0)?;
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // A room that this node follows answers "nothing new" without a round trip.
    let followed = context.followed_rooms.watermark(query.room);
    if let Some(watermark) = followed
        && let Some(answer) = unchanged(&query, watermark, known)
    {
        return Ok(answer);
    }
    let page = context.services.messages.history(query, &user.caller).await?;
    let is_poll = matches!(query.span, Span::After(_)) || known.is_some();
    if followed.is_none() && is_poll {
        context.followed_rooms.follow_for_polls(query.room);
    }
    // The tag names the room's state. A page forward that has something is news to who asks for it.
    let has_news = matches!(query.span, Span::After(_)) && !page.messages.is_empty();
    if !has_news && is_known(known, page.watermark) {
        return Ok(not_modified(page.watermark));
    }
    let messages = if is_empty { &[][..] } else { &page.messages };
    Ok(answer(messages, page.watermark, &times))
}

/// What a query asks for, and whether its id belongs to no message of the room: then nothing is listed, but
/// whether the caller may ask is still checked.
struct Poll {
    query: HistoryQuery,
    is_empty: bool,
}

fn poll_of(query: &MessagesQuery) -> Result<Poll> {
    let room = room_of(query.room_id.as_deref())?;
    let limit = match &query.limit {
        Some(text) => Limit::parse(text, MAX_LIMIT)?,
        None => DEFAULT_LIMIT,
    };
    let (id, span): (_, fn(_) -> _) = match (&query.before, &query.after) {
        (Some(_), Some(_)) => return Err(Error::Invalid(Field::After)),
        (Some(id), None) => (id, Span::Before),
        (None, Some(id)) => (id, Span::After),
        (None, None) => return Ok(Poll { query: HistoryQuery::new(room, Span::Latest, limit), is_empty: false }),
    };
    Ok(match message_id(room, id) {
        Some(id) => Poll { query: HistoryQuery::new(room, span(id.entry.seq), limit), is_empty: false },
        None => Poll { query: HistoryQuery::new(room, Span::Latest, limit), is_empty: true },
    })
}

/// The answer to a poll whose client knows the room's present state.
fn unchanged(query: &HistoryQuery, watermark: Watermark, known: Option<&str>) -> Option<HttpResponse> {
    let is_behind = matches!(query.span, Span::After(seq) if seq < watermark.last.seq);
    if is_behind {
        return None;
    }
    if is_known(known, watermark) {
        return Some(not_modified(watermark));
    }
    matches!(query.span, Span::After(_)).then(|| answer(&[], watermark, &Times::default()))
}

fn answer(messages: &[Message], watermark: Watermark, times: &Times) -> HttpResponse {
    let messages: Vec<ChatMessage<'_>> = messages.iter().map(|message| ChatMessage::of(message, times)).collect();
    HttpResponse::Ok()
        .insert_header((header::ETAG, etag(watermark)))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .insert_header((header::VARY, header::AUTHORIZATION.as_str()))
        .json(messages)
}

fn not_modified(watermark: Watermark) -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header((header::ETAG, etag(watermark)))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .insert_header((header::VARY, header::AUTHORIZATION.as_str()))
        .finish()
}

fn etag(watermark: Watermark) -> String {
    format!("\"{}-{}\"", watermark.last, watermark.revision)
}

/// Whether an `If-None-Match` names the present state. Compared weakly, as a proxy may have compressed.
fn is_known(known: Option<&str>, watermark: Watermark) -> bool {
    let Some(known) = known else { return false };
    let current = etag(watermark);
    known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == current)
}

/// Deletes a message, softly: it is seen nowhere any more.
#[utoipa::path(
    delete, path = "/api/chat/messages/{message_id}", tag = "chatroom", security(("bearer" = [])),
    params(("message_id" = String, Path, description = "The message"), RoomQuery),
    responses(
        (status = 200, description = "Deleted, now or before", body = Done, example = json!({"message": "消息删除成功"})),
        (status = 401, description = "未提供有效的JWT Token", body = Detail),
        (status = 403, description = "没有执行该操作的权限", body = Detail),
        (status = 404, description = "消息不存在", body = Detail),
    )
)]
pub(super) async fn delete(
    user: Authenticated,
    path: web::Path<String>,
    query: QueryParams<RoomQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let room = room_of(query.0.room_id.as_deref())?;
    let id = message_id(room, &path).ok_or(Error::MessageNotFound)?;
    context.services.messages.delete(id, &user.caller).await?;
    Ok(HttpResponse::Ok().json(Done { message: "消息删除成功" }))
}
