//! The route for Chinwag's own client that lists the conversations.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error::ErrorBody;
use super::wire::ConversationEntry;
use crate::domain::Result;
use crate::edge::{Authenticated, Context, Printer, list_head, long_json};

/// The caller's rooms with their unread counts, latest activity first.
#[utoipa::path(
    get, path = "/api/v1/conversations", operation_id = "webchat_list_conversations", tag = "webchat",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The rooms", body = [ConversationEntry],
            headers(("X-Partial" = String, description = "`1` when rooms are left out because their server is away"))),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub(super) async fn conversations(
    user: Authenticated,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let base_url = context.base_url(&request);
    let held = context.long_answers.admit(user.caller.id).await?;
    let mut rooms = context.services.rooms.conversations(&user.caller).await?;
    rooms.items.iter_mut().filter_map(|room| room.last_message.as_mut()).for_each(|message| message.see_at(&base_url));
    let caller = user.caller.id;
    let print = move |room, printer: &mut Printer| printer.print(&ConversationEntry::new(&room, caller, &base_url));
    long_json(&request, list_head(&rooms), rooms.items, held, print).await
}
