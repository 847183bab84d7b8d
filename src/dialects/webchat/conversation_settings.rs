//! The route with which users change their settings of a conversation.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::rooms::room_of;
use super::wire::SettingsView;
use crate::domain::{ConversationChange, ConversationSettings, Notify, Result, RoomId};
use crate::edge::{Authenticated, Context, JsonBody};

/// Changes of what the caller has set for a conversation. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"notify": "mentions", "pinned": true}))]
pub(super) struct SettingsBody {
    /// Which messages notify the caller: `all`, `mentions` or `none`.
    #[schema(pattern = "^(all|mentions|none)$")]
    notify: Option<String>,
    /// Whether it is pinned above the others.
    pinned: Option<bool>,
    /// Whether it is hidden from the list.
    hidden: Option<bool>,
}

/// Changes what the caller has set for a conversation. It is for clients: the server does nothing else by it. The caller's
/// connections with `?ext=1` receive `settings_changed`.
#[utoipa::path(
    put, path = "/api/v1/rooms/{id}/settings", operation_id = "webchat_change_conversation", tag = "webchat",
    security(("bearer" = [])), request_body = SettingsBody,
    params(("id" = u32, Path, description = "The room")),
    responses(
        (status = 200, description = "All of the settings", body = SettingsView),
        (status = 400, description = "A field is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such room, or one of which the caller is not a member", body = ErrorBody),
        (status = 429, description = "Too many requests; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn change(
    user: Authenticated,
    path: web::Path<String>,
    body: JsonBody<SettingsBody>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let SettingsBody { notify, pinned, hidden } = body.0;
    let notify = notify.as_deref().map(Notify::parse).transpose()?;
    let change = ConversationChange { notify, is_pinned: pinned, is_hidden: hidden };
    let settings = context.services.rooms.change_conversation(room_of(&path)?, &user.caller, change).await?;
    Ok(HttpResponse::Ok().json(SettingsView::from(settings)))
}

/// The settings of a conversation, as sent to the user's connections.
#[derive(Serialize)]
pub(super) struct ChangedSettings {
    room_id: u32,
    #[serde(flatten)]
    settings: SettingsView,
}

impl ChangedSettings {
    pub(super) fn new(room: RoomId, settings: ConversationSettings) -> Self {
        Self { room_id: room.number(), settings: settings.into() }
    }
}
