//! Routes for Chinwag's own client: conversations and search.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::openapi::schema::{AnyOfBuilder, Array};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::error::ErrorBody;
use super::message::ChatMessage;
use super::rooms::room_of;
use super::wire::{ConversationEntry, FoundRoom, FoundUser, room_kind_word};
use crate::domain::{Error, Field, Limit, NameQuery, Result, RoomKind};
use crate::edge::{Authenticated, Context, ListFrame, Printer, QueryParams, list_head, long_json, long_list};

const DEFAULT_FOUND: Limit = Limit::of(20);
const MAX_FOUND: usize = 100;
/// Longest search text, in characters.
const QUERY_MAX_CHARS: usize = 100;

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

/// Checks the length of a search text, which has at least `min` characters.
pub(super) fn check_query(text: &str, min: usize) -> Result<()> {
    let is_too_long = text.chars().nth(QUERY_MAX_CHARS).is_some();
    if is_too_long { Err(Error::Length { field: Field::Query, min, max: QUERY_MAX_CHARS }) } else { Ok(()) }
}

/// What a search answers: a list of users, of rooms or of messages, depending on the kind.
struct Found;

impl PartialSchema for Found {
    fn schema() -> RefOr<Schema> {
        let list = |item: Cow<'_, str>| Array::new(Ref::from_schema_name(item));
        // Any of them, not one of them: an empty list is each of them.
        let lists = AnyOfBuilder::new()
            .item(list(FoundUser::name()))
            .item(list(FoundRoom::name()))
            .item(list(ChatMessage::name()));
        Schema::AnyOf(lists.build()).into()
    }
}

impl ToSchema for Found {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((FoundUser::name().into_owned(), FoundUser::schema()));
        schemas.push((FoundRoom::name().into_owned(), FoundRoom::schema()));
        schemas.push((ChatMessage::name().into_owned(), ChatMessage::schema()));
        ChatMessage::schemas(schemas);
    }
}

/// Parameters of a search.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// `user`, `room` or `message`.
    #[param(required, value_type = String, pattern = "^(user|room|message)$")]
    kind: Option<String>,
    /// The beginning of any word of a user's or room's name, or any ideographs in it; or part of a message's text. If it is
    /// absent, `room` lists the public rooms.
    #[param(max_length = 100)]
    q: Option<String>,
    /// The room whose messages are searched.
    room_id: Option<String>,
    /// Most results: 20 when absent, at most 100.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// Searches users and rooms by the words of their names, or the messages of a room by part of their text.
#[utoipa::path(
    get, path = "/api/v1/search", operation_id = "webchat_search", tag = "webchat",
    security(("bearer" = [])), params(SearchQuery),
    responses(
        (status = 200, description = "Users, rooms, or messages as in `/conversations`, newest first", body = Found,
            headers(("X-Partial" = String, description = "`1` when rooms are left out because their server is away"))),
        (status = 400, description = "A parameter is missing or invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "No such room, or a closed room of which the caller is not a member", body = ErrorBody),
        (status = 429, description = "Too many searches; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn search(
    user: Authenticated,
    query: QueryParams<SearchQuery>,
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let SearchQuery { kind, q, room_id, limit } = query.0;
    let lists_rooms = kind.as_deref() == Some("room");
    let text = q.filter(|text| !text.trim().is_empty());
    let text = text.or_else(|| lists_rooms.then(String::new)).ok_or(Error::Missing(Field::Query))?;
    check_query(&text, 1)?;
    let limit = Limit::parse_or(limit.as_deref(), DEFAULT_FOUND, MAX_FOUND)?;
    let services = &context.services;
    match kind.as_deref() {
        Some("user") => {
            let found = services.rooms.find_users(&user.caller, &NameQuery::new(&text), limit).await?;
            let found: Vec<FoundUser> =
                found.into_iter().map(|user| FoundUser { id: user.id.0, username: user.name }).collect();
            Ok(HttpResponse::Ok().json(found))
        }
        Some("room") => {
            let found = services.rooms.find(&user.caller, &NameQuery::new(&text), limit).await?;
            let entry = |room: crate::domain::FoundRoom| FoundRoom {
                id: room.id.number(),
                room_id: room.id.to_string(),
                name: room.name,
                kind: room_kind_word(room.kind),
                is_private: room.kind == RoomKind::Direct,
            };
            Ok(list_head(&found).json(found.items.into_iter().map(entry).collect::<Vec<_>>()))
        }
        Some("message") => {
            let room = room_of(&room_id.ok_or(Error::Missing(Field::RoomId))?)?;
            let base_url = context.base_url(&request);
            let held = context.long_answers.admit(user.caller.id).await?;
            let found = services.messages.find(room, &text, &user.caller, limit).await?;
            Ok(long_list(HttpResponse::Ok(), ListFrame::bare(), found.messages, held, move |message, printer| {
                printer.print(&ChatMessage::pushed(&message.seen_at(&base_url), true, &base_url));
            }))
        }
        Some(_) => Err(Error::Invalid(Field::SearchKind)),
        None => Err(Error::Missing(Field::SearchKind)),
    }
}
