//! Errors as document 000 words them: `{"error"}` in English.

use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Error, Field};

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = webchat::ErrorBody)]
pub(super) struct ErrorBody {
    /// What is wrong.
    #[schema(example = "Username and password are required")]
    error: String,
}

/// The response for an error.
pub(super) fn body(error: &Error) -> HttpResponse {
    HttpResponse::build(error.status_code()).json(ErrorBody { error: text(error) })
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
        Error::DirectRoom => "A direct room has exactly two members",
        Error::GlobalRoom => "Nobody leaves the global room",
        Error::RoomNotFound => "Room not found or you are not a member.",
        Error::Unauthenticated => "Invalid or missing token",
        Error::BadCredentials => "Invalid username or password",
        Error::Forbidden => "Not allowed",
        Error::MessageNotFound => "Message not found",
        Error::UserNotFound | Error::UserOffline => "User not found",
        Error::NotFound => "Not found",
        Error::MethodNotAllowed => "Method not allowed",
        Error::NameTaken => "Username already exists",
        Error::EmailTaken => "E-mail already exists",
        Error::ClientIdReused => "This client id was used for another message",
        Error::TooLarge { .. } => "Too large",
        Error::UnsupportedType => "Unsupported content type",
        Error::RateLimited { .. } => "Too many requests, try again later",
        Error::Unavailable(_) => "Temporarily unavailable, try again",
        Error::Internal(_) => "Internal server error",
    };
    text.to_owned()
}

fn title(field: Field) -> &'static str {
    match field {
        Field::Content => "Content",
        Field::MessageType => "Message type",
        Field::ReplyTo => "Reply",
        Field::ClientId => "Client id",
        Field::RoomId => "Room id",
        Field::RoomName => "Room name",
        Field::Description => "Description",
        Field::UserName => "Username",
        Field::Password => "Password",
        Field::Credentials => "Username and password",
        Field::Email => "E-mail",
        Field::Phone => "Phone",
        Field::Avatar => "Avatar",
        Field::UserId => "User id",
        Field::Receiver => "Receiver",
        Field::ChatType => "Chat type",
        Field::Role => "Role",
        Field::Query => "Query",
        Field::Type => "Type",
        Field::Limit => "Limit",
        Field::Before | Field::After | Field::Cursor => "Page",
        Field::File | Field::FileName => "File",
    }
}
