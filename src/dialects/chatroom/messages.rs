//! Sending, reading and deleting messages: document 003, §§1, 3, 10.

use actix_web::http::header::{self, EntityTag};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use uuid::Uuid;

use super::error::Detail;
use super::room_of;
use super::times::Times;
use super::wire::{ChatMessage, Done, MessagesQuery, RoomQuery, SendBody};
use crate::domain::{
    ClientId, Content, EntryId, Error, Field, HistoryQuery, Limit, MessageId, NewMessage, Result, RoomId, Span,
    Watermark,
};
use crate::edge::{
    Authenticated, Context, JsonBody, ListFrame, QueryParams, counts_as, known_tags, long_list, retry_id,
};
use crate::service::Poll;

/// Document 003, §3: 50 messages by default, at most 100.
const DEFAULT_LIMIT: Limit = Limit::of(50);
const MAX_LIMIT: usize = 100;
/// The response is for the caller only; shared caches must not store it.
const CACHE_CONTROL: &str = "private, no-cache";

/// Sends a message to a room. In a public room the sender becomes a member.
#[utoipa::path(
    post, path = "/api/chat/send", operation_id = "chatroom_send_message", tag = "chatroom",
    security(("bearer" = [])), params(RoomQuery),
    request_body = SendBody,
    responses(
        (status = 200, description = "The stored message", body = ChatMessage),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 403, description = "The caller was removed from the room, or is blocked by the other user of a direct room", body = Detail),
        (status = 404, description = "No such room", body = Detail),
        (status = 409, description = "The client id was used for another message", body = Detail),
        (status = 429, description = "Too many messages; see `Retry-After`", body = Detail),
        (status = 507, description = "The server has no space left", body = Detail),
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
    let mut sent = context.services.messages.send(room, &user.caller, message).await?;
    sent.see_at(&context.base_url(&request));
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
    get, path = "/api/chat/messages", operation_id = "chatroom_list_messages", tag = "chatroom",
    security(("bearer" = [])),
    params(MessagesQuery, ("If-None-Match" = Option<String>, Header, description = "An `ETag` of an answer before")),
    responses(
        (status = 200, description = "The messages", body = [ChatMessage],
            headers(("ETag" = String, description = "Changes with each message, and when one of the room is edited, deleted, pinned or reacted to"))),
        (status = 304, description = "Nothing has changed since"),
        (status = 400, description = "A parameter is missing or invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 404, description = "No such room", body = Detail),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<MessagesQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
    times: web::Data<Times>,
) -> Result<HttpResponse> {
    let Listing { query, is_empty } = listing_of(&query.0)?;
    let query = HistoryQuery { counts_as: counts_as(&request), ..query };
    let held = context.long_answers.admit_page(user.caller.id, query.limit).await?;
    let known: Vec<Watermark> = known_tags(&request).iter().filter_map(watermark).collect();
    Ok(match context.services.messages.poll(query, &user.caller, &known).await? {
        Poll::Unchanged(watermark) => answer(HttpResponse::NotModified(), watermark).finish(),
        Poll::Page { messages, watermark } => {
            let messages = if is_empty { Vec::new() } else { messages };
            let response = answer(HttpResponse::Ok(), watermark);
            let base_url = context.base_url(&request);
            long_list(response, ListFrame::bare(), messages, held, move |message, printer| {
                let message = message.seen_at(&base_url);
                printer.print(&ChatMessage::of(&message, &times));
            })
        }
    })
}

/// A parsed query. `is_empty` if its id belongs to no message of the room: then nothing is listed, but the caller's
/// access is still checked.
struct Listing {
    query: HistoryQuery,
    is_empty: bool,
}

fn listing_of(query: &MessagesQuery) -> Result<Listing> {
    let room = room_of(query.room_id.as_deref())?;
    let limit = Limit::parse_or(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let (id, span): (_, fn(_) -> _) = match (&query.before, &query.after) {
        (Some(_), Some(_)) => return Err(Error::Invalid(Field::After)),
        (Some(id), None) => (id, Span::Before),
        (None, Some(id)) => (id, Span::After),
        (None, None) => return Ok(Listing { query: HistoryQuery::new(room, Span::Latest, limit), is_empty: false }),
    };
    Ok(match message_id(room, id) {
        Some(id) => Listing { query: HistoryQuery::new(room, span(id.entry.seq), limit), is_empty: false },
        None => Listing { query: HistoryQuery::new(room, Span::Latest, limit), is_empty: true },
    })
}

fn answer(mut response: HttpResponseBuilder, watermark: Watermark) -> HttpResponseBuilder {
    response
        .insert_header((header::ETAG, etag(watermark)))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .insert_header((header::VARY, header::AUTHORIZATION.as_str()));
    response
}

/// The tag of a room's state.
fn etag(Watermark { last, revision }: Watermark) -> String {
    // Joined rather than formatted, as every poll needs one.
    let [seq, at_ms, revision] = [last.seq.0, last.at_ms, revision].map(|number| number.to_string());
    ["\"", &seq, "-", &at_ms, "-", &revision, "\""].concat()
}

/// The state that a tag stands for; `None` for a tag that [`etag`] did not create.
fn watermark(tag: &EntityTag) -> Option<Watermark> {
    let (last, revision) = tag.tag().rsplit_once('-')?;
    Some(Watermark { last: EntryId::parse(last)?, revision: revision.parse().ok()? })
}

/// Deletes a message, which then appears nowhere.
#[utoipa::path(
    delete, path = "/api/chat/messages/{message_id}", operation_id = "chatroom_delete_message", tag = "chatroom",
    security(("bearer" = [])),
    params(("message_id" = String, Path, description = "The message"), RoomQuery),
    responses(
        (status = 200, description = "The message is deleted", body = Done, example = json!({"message": "消息删除成功"})),
        (status = 400, description = "A parameter is invalid", body = Detail),
        (status = 401, description = "No valid token", body = Detail),
        (status = 403, description = "Not allowed", body = Detail),
        (status = 404, description = "No such message", body = Detail),
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
