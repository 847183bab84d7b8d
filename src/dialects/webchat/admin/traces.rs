//! Where a message is, for administrators.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::dialects::common::utc_millis;
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::message::kind_word;
use crate::dialects::webchat::wire::room_kind_word;
use crate::domain::{MessageId, Result, RoomId, Seq, Status};
use crate::edge::{Authenticated, Context};
use crate::service::{NodeTrace, Operator, Recipient, SocketPush, Trace};

/// The sender of a message, with the name at that time.
#[derive(Serialize, ToSchema)]
pub(super) struct TracedSender {
    id: u64,
    username: String,
}

/// The room of a message.
#[derive(Serialize, ToSchema)]
pub(super) struct TracedRoom {
    #[schema(example = 101)]
    id: u32,
    #[schema(example = "room_a1b2c3d4")]
    room_id: String,
    /// `public`, `group` or `direct`.
    kind: &'static str,
    /// Empty for a direct room.
    name: String,
}

/// How a node pushed a message.
#[derive(Serialize, ToSchema)]
pub(super) struct PushView {
    /// When it was queued for the last socket.
    #[schema(format = DateTime, example = "2025-10-26T12:00:00.000Z")]
    at: String,
    /// Milliseconds after it was stored.
    delay_ms: u64,
    /// Sockets for which it was queued.
    sockets: u32,
    /// Sockets that were behind, and catch up on it later.
    behind: u32,
}

/// What a node knows of a message.
#[derive(Serialize, ToSchema)]
pub(super) struct NodeTraceView {
    #[schema(example = "0a1b2c3d")]
    id: String,
    /// Whether it follows the room: somebody has a socket there, or polls the room.
    follows: bool,
    /// Whether the message has arrived; false for a room that it does not follow.
    arrived: bool,
    /// Sockets that are subscribed to the room now.
    sockets: u64,
    /// How it was pushed; `null` when it was not, or the node no longer has a record. Each thread of a node records its
    /// latest 8192 messages since its start.
    #[schema(required)]
    pushed: Option<PushView>,
}

/// A recipient of a message.
#[derive(Serialize, ToSchema)]
pub(super) struct RecipientView {
    id: u64,
    /// The present name; empty when there is no such user any more.
    username: String,
    /// Whether the user is still a member.
    member: bool,
    /// `sent`, `delivered` or `read`.
    status: &'static str,
    /// When the user first read it.
    #[schema(required, format = DateTime)]
    read_at: Option<String>,
}

/// The delivery trace of a message, without its content.
#[derive(Serialize, ToSchema)]
pub(super) struct TraceView {
    id: u64,
    /// The id in document 003.
    #[schema(example = "0199a1b2-c3d4-8000-8000-0650000000ab")]
    message_id: String,
    room: TracedRoom,
    sender: TracedSender,
    /// `text`, `image`, `file`, `audio`, `video`, `emoji` or `system`.
    message_type: &'static str,
    #[schema(format = DateTime, example = "2025-10-26T12:00:00.000Z")]
    stored_at: String,
    /// Whether it was announced to the nodes: with `redis.durability`, only once replicas have it.
    announced: bool,
    deleted: bool,
    /// `sent`, `delivered` or `read` by everyone; `null` where no receipts are kept: in `global` and in large rooms.
    #[schema(required)]
    status: Option<&'static str>,
    /// The users who were members when it was stored or have received it since; empty in rooms without receipts.
    recipients: Vec<RecipientView>,
    /// The nodes that answered within a second.
    nodes: Vec<NodeTraceView>,
    /// The ids of running nodes that did not answer in time.
    silent: Vec<String>,
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
    }
}

impl From<Recipient> for RecipientView {
    fn from(Recipient { user, is_member, status, read_at_ms }: Recipient) -> Self {
        let (status, read_at) = (status_word(status), read_at_ms.map(utc_millis));
        Self { id: user.id.0, username: user.name, member: is_member, status, read_at }
    }
}

impl NodeTraceView {
    fn of(trace: NodeTrace, stored_at_ms: u64) -> Self {
        let pushed = trace.push.map(|SocketPush { at_ms, sockets, behind }| PushView {
            at: utc_millis(at_ms),
            delay_ms: at_ms.saturating_sub(stored_at_ms),
            sockets,
            behind,
        });
        let NodeTrace { node, is_following, has_arrived, sockets, push: _ } = trace;
        Self { id: node, follows: is_following, arrived: has_arrived, sockets, pushed }
    }
}

impl From<Trace> for TraceView {
    fn from(trace: Trace) -> Self {
        let (id, at_ms) = (trace.id, trace.id.entry.at_ms);
        Self {
            id: id.to_integer(),
            message_id: id.to_uuid().to_string(),
            room: TracedRoom {
                id: id.room.number(),
                room_id: id.room.to_string(),
                kind: room_kind_word(trace.room.kind),
                name: trace.room_name,
            },
            sender: TracedSender { id: trace.sender.id.0, username: trace.sender.name },
            message_type: kind_word(trace.kind),
            stored_at: utc_millis(at_ms),
            announced: trace.is_announced,
            deleted: trace.is_deleted,
            status: trace.status.map(status_word),
            recipients: trace.recipients.into_iter().map(RecipientView::from).collect(),
            nodes: trace.nodes.into_iter().map(|node| NodeTraceView::of(node, at_ms)).collect(),
            silent: trace.silent,
        }
    }
}

/// Traces a message: when it was stored, which nodes pushed it to how many sockets, who has received and read it.
/// Takes up to a second when a node does not answer. Recorded in the audit log.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/trace", operation_id = "webchat_trace_message", tag = "webchat",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The message: the number of document 000, 001, 002 or 004, or the UUID of 003")),
    responses(
        (status = 200, description = "Where the message is", body = TraceView),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
        (status = 404, description = "No such message, or none any more", body = ErrorBody),
    )
)]
pub(super) async fn trace(
    user: Authenticated,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let operator = Operator::Admin(&user.caller, &user.client);
    let trace = context.services.traces.trace(&operator, message_of(&path)).await?;
    Ok(HttpResponse::Ok().json(TraceView::from(trace)))
}

/// The room and the seq of a message, by any of its printed ids.
fn message_of(text: &str) -> Option<(RoomId, Seq)> {
    let number = text.parse().ok().and_then(MessageId::from_integer);
    let uuid = || Uuid::try_parse(text).ok().and_then(MessageId::from_uuid).map(|id| (id.room, id.entry.seq));
    number.or_else(uuid)
}
