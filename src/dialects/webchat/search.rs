//! The search for users, rooms and messages, for Chinwag's own client.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::openapi::schema::{AnyOfBuilder, Array};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::error::ErrorBody;
use super::message::ChatMessage;
use super::rooms::{room_of, user_of};
use super::wire::{FoundRoom, FoundUser, room_kind_word};
use crate::dialects::common::NEXT_CURSOR;
use crate::domain::{Error, Field, Has, Limit, Listing, MessageSearch, NameQuery, Result, RoomKind, SearchPlace};
use crate::edge::{Authenticated, Context, ListFrame, QueryParams, list_head, long_list};

const DEFAULT_FOUND: Limit = Limit::of(20);
const MAX_FOUND: usize = 100;
/// Maximum length of a search text, in characters.
const QUERY_MAX_CHARS: usize = 100;

/// Checks the length of a search text, which has at least `min` characters.
pub(super) fn check_query(text: &str, min: usize) -> Result<()> {
    let is_too_long = text.chars().nth(QUERY_MAX_CHARS).is_some();
    if is_too_long { Err(Error::Length { field: Field::Query, min, max: QUERY_MAX_CHARS }) } else { Ok(()) }
}

/// The result of a search: a list of users, of rooms or of messages, depending on the kind.
struct Found;

impl PartialSchema for Found {
    fn schema() -> RefOr<Schema> {
        let list = |item: Cow<'_, str>| Array::new(Ref::from_schema_name(item));
        // Any of them, not one of them: an empty list is each of them. Generated clients take the first that an answer has the
        // keys of, so the one with the most keys comes first.
        let lists = AnyOfBuilder::new()
            .item(list(ChatMessage::name()))
            .item(list(FoundRoom::name()))
            .item(list(FoundUser::name()));
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
    /// The beginning of any word of a user's or room's name, or any ideographs in it; or words that a message's text or the name
    /// of its file contains, `"in quotes"` for a phrase. If it is absent, `room` lists the public rooms, and `message` needs `from` or `has`.
    #[param(max_length = 100)]
    q: Option<String>,
    /// The room whose messages are searched; all of the caller when absent.
    room_id: Option<String>,
    /// The sender of the messages.
    #[param(value_type = Option<i64>, minimum = 1)]
    from: Option<String>,
    /// What the messages contain: `picture` (an image), `file` or `link`.
    #[param(pattern = "^(picture|file|link)$")]
    has: Option<String>,
    /// A time: only messages from before it are found.
    #[param(format = DateTime)]
    before: Option<String>,
    /// `X-Next-Cursor` of the page of messages before.
    cursor: Option<String>,
    /// Maximum number of results: 20 when absent, at most 100.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

impl SearchQuery {
    /// Reads what messages to search for.
    fn message_search(&self) -> Result<MessageSearch> {
        let text = self.q.as_deref().filter(|text| !text.trim().is_empty());
        if text.is_none() && self.from.is_none() && self.has.is_none() {
            return Err(Error::Missing(Field::Query));
        }
        let sender = self.from.as_deref().map(|from| user_of(from).map_err(|_| Error::Invalid(Field::From)));
        let before = self.before.as_deref().map_or(Ok(SearchPlace::END), SearchPlace::at_time)?;
        let cursor = self.cursor.as_deref().map_or(Ok(SearchPlace::END), SearchPlace::parse)?;
        Ok(MessageSearch {
            text: text.unwrap_or_default().to_owned(),
            sender: sender.transpose()?,
            has: self.has.as_deref().map(Has::parse).transpose()?,
            before: before.min(cursor),
        })
    }

    /// Reads the name of the users or rooms to search for, which may be absent.
    fn name(&self) -> Option<&str> {
        self.q.as_deref().filter(|text| !text.trim().is_empty())
    }
}

/// Searches users and rooms by the words of their names, or messages by part of their text, by sender, by what they have.
#[utoipa::path(
    get, path = "/api/v1/search", operation_id = "webchat_search", tag = "webchat",
    security(("bearer" = [])), params(SearchQuery),
    responses(
        (status = 200, description = "Users, rooms, or messages as in `/conversations`, newest first", body = Found,
            headers(
                ("X-Partial" = String, description = "`1` when rooms are left out because their server is away"),
                ("X-Next-Cursor" = String, description = "Cursor of the next page of messages, if there may be one: a page \
                    with fewer messages than asked for, or none, may not be the last"),
            )),
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
    let query = query.0;
    check_query(query.q.as_deref().unwrap_or_default(), 1)?;
    let limit = Limit::parse_or(query.limit.as_deref(), DEFAULT_FOUND, MAX_FOUND)?;
    match query.kind.as_deref() {
        Some("user") => find_users(&user, &query, limit, &context).await,
        Some("room") => find_rooms(&user, &query, limit, &context).await,
        Some("message") => find_messages(&user, &query, limit, &request, &context).await,
        Some(_) => Err(Error::Invalid(Field::SearchKind)),
        None => Err(Error::Missing(Field::SearchKind)),
    }
}

async fn find_users(
    user: &Authenticated,
    query: &SearchQuery,
    limit: Limit,
    context: &Context,
) -> Result<HttpResponse> {
    let name = NameQuery::new(query.name().ok_or(Error::Missing(Field::Query))?);
    let found = context.services.rooms.find_users(&user.caller, &name, limit).await?;
    let entry = |user: crate::domain::UserRef| FoundUser { id: user.id.0, username: user.name };
    Ok(HttpResponse::Ok().json(found.into_iter().map(entry).collect::<Vec<_>>()))
}

async fn find_rooms(
    user: &Authenticated,
    query: &SearchQuery,
    limit: Limit,
    context: &Context,
) -> Result<HttpResponse> {
    let name = NameQuery::new(query.name().unwrap_or_default());
    let found = context.services.rooms.find(&user.caller, &name, limit).await?;
    let entry = |room: crate::domain::FoundRoom| FoundRoom {
        id: room.id.number(),
        room_id: room.id.to_string(),
        name: room.name,
        kind: room_kind_word(room.kind),
        is_private: room.kind == RoomKind::Direct,
    };
    Ok(list_head(&found).json(found.items.into_iter().map(entry).collect::<Vec<_>>()))
}

async fn find_messages(
    user: &Authenticated,
    query: &SearchQuery,
    limit: Limit,
    request: &HttpRequest,
    context: &Context,
) -> Result<HttpResponse> {
    let wanted = query.message_search()?;
    let room = query.room_id.as_deref().map(room_of).transpose()?;
    let base_url = context.base_url(request);
    let held = context.long_answers.admit(user.caller.id).await?;
    let found = context.services.messages.find(room, &wanted, &user.caller, limit).await?;
    let list = Listing { items: found.messages, is_partial: found.is_partial };
    let mut head = list_head(&list);
    if let Some(next) = found.next {
        head.insert_header((NEXT_CURSOR, next.to_string()));
    }
    Ok(long_list(head, ListFrame::bare(), list.items, held, move |message, printer| {
        printer.print(&ChatMessage::pushed(&message.seen_at(&base_url), true, &base_url));
    }))
}
