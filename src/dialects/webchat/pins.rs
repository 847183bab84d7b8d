//! The route that lists the pinned messages of a room.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::ErrorBody;
use super::message::ChatMessage;
use super::rooms::room_of;
use crate::domain::Result;
use crate::edge::{Authenticated, Context, ListFrame, long_list};

/// Lists the pinned messages of a room, newest first. Every user may read those of public rooms.
#[utoipa::path(
    get, path = "/api/v1/rooms/{id}/pins", operation_id = "webchat_list_pins", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "Up to 50 messages", body = [ChatMessage]),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    path: web::Path<String>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let base_url = context.base_url(&request);
    let held = context.long_answers.admit(user.caller.id).await?;
    let pinned = context.services.messages.pinned(room_of(&path)?, &user.caller).await?;
    Ok(long_list(HttpResponse::Ok(), ListFrame::bare(), pinned, held, move |message, printer| {
        printer.print(&ChatMessage::pushed(&message.seen_at(&base_url), true, &base_url));
    }))
}
