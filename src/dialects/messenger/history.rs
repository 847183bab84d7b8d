//! Histories and status: document 002.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::ErrorBody;
use super::wire::{HistoryMessage, MessageStatus, Page, PrivateQuery, RoomQuery, StatusQuery, status_word};
use crate::dialects::common::skipped;
use crate::domain::{Error, HistoryPage, HistoryQuery, Limit, MessageId, Result, RoomId, Span, UserId};
use crate::edge::{Authenticated, Context, JsonBody, ListFrame, LongAnswer, long_list};

const DEFAULT_PAGE_SIZE: i64 = 20;
const MAX_PAGE_SIZE: usize = 1000;

/// Lists the messages between the caller and a user, newest first.
#[utoipa::path(
    post, path = "/api/chat/history/private", operation_id = "messenger_list_private_messages", tag = "messenger",
    security(("bearer" = [])), request_body = PrivateQuery,
    responses(
        (status = 200, description = "A page of messages", body = Page),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such user", body = ErrorBody),
    )
)]
pub(super) async fn private(
    user: Authenticated,
    request: HttpRequest,
    body: JsonBody<PrivateQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let PrivateQuery { user_id, page, page_size } = body.0;
    let (query, limit) = query(page, page_size)?;
    let held = context.long_answers.admit_page(user.caller.id, limit).await?;
    let page = context.services.messages.history_with(UserId(user_id), query, &user.caller).await?;
    Ok(answer(page, held, context.base_url(&request)))
}

/// Lists the messages of a room, newest first.
#[utoipa::path(
    post, path = "/api/chat/history/room", operation_id = "messenger_list_room_messages", tag = "messenger",
    security(("bearer" = [])), request_body = RoomQuery,
    responses(
        (status = 200, description = "A page of messages", body = Page),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn room(
    user: Authenticated,
    request: HttpRequest,
    body: JsonBody<RoomQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let RoomQuery { room_id, page, page_size } = body.0;
    let (query, limit) = query(page, page_size)?;
    let held = context.long_answers.admit_page(user.caller.id, limit).await?;
    let room = u32::try_from(room_id).ok().and_then(RoomId::new).ok_or(Error::RoomNotFound)?;
    let page = context.services.messages.history(query(room), &user.caller).await?;
    Ok(answer(Some(page), held, context.base_url(&request)))
}

fn query(page: Option<i64>, page_size: Option<i64>) -> Result<(impl FnOnce(RoomId) -> HistoryQuery, Limit)> {
    let limit = Limit::of_number(page_size.unwrap_or(DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)?;
    let skip = skipped(page.unwrap_or(1), limit.get())?;
    let query = move |room| HistoryQuery { skip, with_receipts: true, ..HistoryQuery::new(room, Span::Latest, limit) };
    Ok((query, limit))
}

/// Prints a page, which is `held` until the client has it.
fn answer(page: Option<HistoryPage>, held: LongAnswer, base_url: String) -> HttpResponse {
    let empty = Page { code: 200, message: "success", data: Vec::new() };
    let Some(HistoryPage { messages, head, receipts, .. }) = page else { return HttpResponse::Ok().json(empty) };
    long_list(HttpResponse::Ok(), ListFrame::of(&empty), messages, held, move |mut message, printer| {
        message.see_at(&base_url);
        printer.print(&HistoryMessage::new(message, &head, &receipts));
    })
}

/// The delivery status of a message, for members of its room.
#[utoipa::path(
    post, path = "/api/chat/message/status", operation_id = "messenger_get_message_status", tag = "messenger",
    security(("bearer" = [])), request_body = StatusQuery,
    responses(
        (status = 200, description = "The status", body = MessageStatus),
        (status = 400, description = "A field is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such message, or the caller is not a member of its room", body = ErrorBody),
    )
)]
pub(super) async fn status(
    user: Authenticated,
    body: JsonBody<StatusQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let (room, seq) = MessageId::from_integer(body.0.message_id).ok_or(Error::MessageNotFound)?;
    let status = context.services.messages.status(room, seq, &user.caller).await?;
    Ok(HttpResponse::Ok().json(MessageStatus { code: 200, message: "success", status: status_word(status) }))
}
