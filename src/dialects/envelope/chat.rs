//! Messages and groups: document 001, §§3, 4.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::ErrorBody;
use super::wire::{
    AddedMember, ChatMessage, Envelope, Group, GroupBody, ListedMessage, MemberBody, MessageBody, MessageList,
    MessagesQuery, new_message, present, receiver, succeeded, success, user_of,
};
use crate::domain::{
    Description, Error, Field, HistoryPage, HistoryQuery, Limit, Result, RoomHead, RoomId, RoomKind, RoomName, Span,
    UserId, parse_avatar,
};
use crate::edge::{Authenticated, Context, JsonBody, ListFrame, QueryParams, counts_as, long_list, retry_id};
use crate::service::Receiver;

/// Document 001, §3.3: 20 messages by default.
const DEFAULT_LIMIT: Limit = Limit::of(20);
const MAX_LIMIT: usize = 1000;

/// Sends a message to a user or a group.
#[utoipa::path(
    post, path = "/api/v1/chat/message", operation_id = "envelope_send_message", tag = "envelope",
    security(("bearer" = [])), request_body = MessageBody,
    responses(
        (status = 200, description = "The stored message", body = Envelope<ChatMessage>),
        (status = 400, description = "A field is missing or invalid, or there is not exactly one receiver", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller was removed from the room, or is blocked by the other user of a direct room", body = ErrorBody),
        (status = 404, description = "No such user or group", body = ErrorBody),
        (status = 409, description = "The client id was used for another message", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn send(
    user: Authenticated,
    request: HttpRequest,
    body: JsonBody<MessageBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let to = receiver(&body.0.receiver_id, &body.0.group_id)?;
    let message = new_message(body.0, retry_id(&request, &context)?)?;
    let mut sent = context.services.messages.send_to(to, &user.caller, message).await?.message;
    sent.see_at(&context.base_url(&request));
    let room = head(to, sent.id.room, user.caller.id);
    Ok(success(ChatMessage::new(&sent, &room, "")))
}

/// The room of a sent message, derived from its receiver.
fn head(to: Receiver, id: RoomId, caller: UserId) -> RoomHead {
    match to {
        Receiver::User(other) => {
            let pair = Some((caller.min(other), caller.max(other)));
            RoomHead { id, kind: RoomKind::Direct, pair }
        }
        Receiver::Room(_) => RoomHead { id, kind: RoomKind::Group, pair: None },
    }
}

/// Lists the messages with a user or of a group, newest first.
#[utoipa::path(
    get, path = "/api/v1/chat/messages", operation_id = "envelope_list_messages", tag = "envelope",
    security(("bearer" = [])), params(MessagesQuery),
    responses(
        (status = 200, description = "The messages", body = Envelope<MessageList>),
        (status = 400, description = "A parameter is invalid, or there is not exactly one of user and group", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such user or group", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<MessagesQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let query = query.0;
    let limit = Limit::parse_or(present(&query.limit), DEFAULT_LIMIT, MAX_LIMIT)?;
    let skip = present(&query.offset).map_or(Ok(0), offset)?;
    let part = |room| HistoryQuery {
        skip,
        include_system: false,
        with_total: true,
        with_receipts: true,
        counts_as: counts_as(&request),
        ..HistoryQuery::new(room, Span::Latest, limit)
    };
    let held = context.long_answers.admit_page(user.caller.id, limit).await?;
    let messages = &context.services.messages;
    let page = match receiver(&query.receiver_id, &query.group_id)? {
        Receiver::User(other) => messages.history_with(other, part, &user.caller).await?,
        Receiver::Room(room) => Some(messages.history(part(room), &user.caller).await?),
    };
    let Some(HistoryPage { messages, head, receipts, total, .. }) = page else {
        return Ok(success(MessageList { messages: Vec::new(), total: 0 }));
    };
    let base_url = context.base_url(&request);
    let frame = ListFrame::of(&succeeded(MessageList { messages: Vec::new(), total }));
    Ok(long_list(HttpResponse::Ok(), frame, messages, held, move |message, printer| {
        printer.print(&ListedMessage::new(&message.seen_at(&base_url), &head, &receipts));
    }))
}

/// Parses an offset, from 0.
fn offset(text: &str) -> Result<usize> {
    let offset: i64 = text.parse().map_err(|_| Error::Invalid(Field::Cursor))?;
    usize::try_from(offset).map_err(|_| Error::Invalid(Field::Cursor))
}

/// Creates a group with the caller as owner and first member.
#[utoipa::path(
    post, path = "/api/v1/group", operation_id = "envelope_create_group", tag = "envelope",
    security(("bearer" = [])), request_body = GroupBody,
    responses(
        (status = 200, description = "The group", body = Envelope<Group>),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn create_group(
    user: Authenticated,
    body: JsonBody<GroupBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let name = RoomName::parse(present(&body.0.name).ok_or(Error::Missing(Field::RoomName))?)?;
    let description = Description::parse(present(&body.0.description).unwrap_or_default())?;
    let avatar = parse_avatar(present(&body.0.avatar).unwrap_or_default())?;
    let made = context.services.rooms.create_group(&user.caller, &name, &description, avatar).await?;
    Ok(success(Group::new(&made, &name, &description, avatar, user.caller.id)))
}

/// Adds a user to a group. The owner and admins may.
#[utoipa::path(
    post, path = "/api/v1/group/{group_id}/members", operation_id = "envelope_add_member", tag = "envelope",
    security(("bearer" = [])),
    params(("group_id" = String, Path, description = "The group")), request_body = MemberBody,
    responses(
        (status = 200, description = "The user is a member", body = Envelope<AddedMember>),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "Not allowed", body = ErrorBody),
        (status = 404, description = "No such group or user", body = ErrorBody),
        (status = 429, description = "Too many changes; see `Retry-After`", body = ErrorBody),
        (status = 507, description = "The server has no space left", body = ErrorBody),
    )
)]
pub(super) async fn add_member(
    user: Authenticated,
    path: web::Path<String>,
    body: JsonBody<MemberBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let rooms = &context.services.rooms;
    let room: RoomId = path.parse().map_err(|_| Error::RoomNotFound)?;
    let id = present(&body.0.user_id).ok_or(Error::Missing(Field::UserId))?;
    let id = user_of(id)?;
    let added = rooms.user(id).await?;
    rooms.add_member(room, &user.caller, &added).await?;
    Ok(success(AddedMember { group_id: room.to_string(), user_id: added.id.to_string() }))
}
