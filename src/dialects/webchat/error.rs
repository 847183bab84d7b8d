//! Errors of document 000: `{"error"}` in English. On routes that the document lacks, and with `?ext=1` on all, they
//! also have a code for programs.

use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Error, Field};
use crate::edge::is_extended;

/// The body of an error.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::ErrorBody)]
pub(super) struct ErrorBody {
    /// The reason, for people.
    #[schema(example = "Username and password are required")]
    error: String,
    /// The error's name for programs, as `room_not_found`. On the document's own routes only with `?ext=1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
    /// The field that `missing`, `invalid` or `length` is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<&'static str>,
}

/// The response for an error.
pub(super) fn body(error: &Error, request: &HttpRequest) -> HttpResponse {
    let has_code = !is_documented(request.path()) || is_extended(request);
    HttpResponse::build(error.status_code()).json(ErrorBody {
        error: text(error),
        code: has_code.then(|| error.code()),
        field: error.field().filter(|_| has_code).map(field_name),
    })
}

/// Whether a route, or the group of routes that it is in, belongs to the document.
fn is_documented(path: &str) -> bool {
    let is_of_group = path == "/api/v1/rooms" || path.starts_with("/api/v1/auth") || path.starts_with("/api/v1/upload");
    let is_added = path == "/api/v1/auth/logout" || path.starts_with("/api/v1/auth/invites");
    is_of_group && !is_added
}

/// The field's name in a body or a query.
fn field_name(field: Field) -> &'static str {
    match field {
        Field::File | Field::FileName => "image",
        other => other.name(),
    }
}

pub(super) fn text(error: &Error) -> String {
    let text = match error {
        Error::Malformed(_) => "Malformed request",
        Error::Missing(Field::Credentials) => "Username and password are required",
        Error::Missing(Field::File) => "No file provided or file type is not supported",
        Error::Missing(field) => return format!("{} is required", title(*field)),
        Error::Invalid(field) => return format!("{} is not valid", title(*field)),
        Error::Length { field: Field::Password, min, max } => {
            return format!("Password must have at least {min} characters and at most {max} bytes");
        }
        Error::Length { field, min, max } => {
            return format!("{} must have {min} to {max} characters", title(*field));
        }
        Error::WeakPassword => "Password is too easy to guess",
        Error::DirectRoom => "A direct room has exactly two members",
        Error::PermanentRoom => "This room cannot be removed",
        Error::GlobalRoom => "Nobody leaves the global room",
        Error::RoomNotFound | Error::Removed => "Room not found or you are not a member.",
        Error::Unauthenticated => "Invalid or missing token",
        Error::BadCredentials => "Invalid username or password",
        Error::WrongPassword => "Wrong password",
        Error::Forbidden => "Not allowed",
        Error::Blocked => "This user has blocked you",
        Error::Unacquainted => "Only people who share a room with this user may add them",
        Error::TooManyBlocked => "Too many blocked users",
        Error::MessageNotFound => "Message not found",
        Error::NotEditable => "This message cannot be edited",
        Error::AddressRefused => "The server sends nothing to this address: its network is not allowed",
        Error::TooManyReactions => "The message has too many reactions",
        Error::TooManyPins => "The room has too many pinned messages",
        Error::TooLate => "The message is too old to be edited",
        Error::UserNotFound | Error::UserOffline => "User not found",
        Error::NotFound => "Not found",
        Error::MethodNotAllowed => "Method not allowed",
        Error::RegistrationClosed => "Registration is closed",
        Error::InviteRequired => "An invite is required to register",
        Error::InviteInvalid => "The invite is not valid, has expired or is used up",
        Error::LinkInvalid => "This link does not work: it was revoked, or is not complete",
        Error::LinkExpired => "This link has expired",
        Error::LinkUsedUp => "This link is used up",
        Error::TooManyLinks => "The room has too many links",
        Error::NameTaken => "Username already exists",
        Error::EmailTaken => "E-mail already exists",
        Error::ClientIdReused => "This client id was used for another message",
        Error::TooLarge { .. } => "Too large",
        Error::UnsupportedType => "Unsupported content type",
        Error::RateLimited { .. } => "Too many requests, try again later",
        Error::TooManyRooms => "The user is in too many rooms",
        Error::SlowMode { .. } => "The room is in slow mode, try again later",
        Error::Unavailable(_) => "Temporarily unavailable, try again",
        Error::StorageFull => "The server has no space left",
        Error::Internal(_) => "Internal server error",
    };
    text.to_owned()
}

/// The field's name at the start of a sentence.
fn title(field: Field) -> String {
    let words = match field {
        Field::ReplyTo => "reply",
        Field::RoomName => "room name",
        Field::SlowMode => "slow mode",
        Field::Email => "e-mail",
        Field::Receiver => "receiver",
        Field::Query => "query",
        Field::UserIds => "list of users",
        Field::Before | Field::After | Field::Cursor => "page",
        Field::FileName => "file",
        other => other.name(),
    };
    let (first, rest) = words.split_at(1);
    format!("{}{}", first.to_uppercase(), rest.replace('_', " "))
}
