//! The error type of Chinwag, which each dialect maps to its own body.

use std::time::Duration;

use super::field::Field;

/// Result of a fallible operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// All errors, distinguished by what the caller may learn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body or query is not in the form that the route takes.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// A required field is absent.
    #[error("{0:?} is missing")]
    Missing(Field),
    /// A field has a value of the wrong form.
    #[error("{0:?} is not valid")]
    Invalid(Field),
    /// A text is shorter or longer than allowed; the unit is characters (bytes for passwords at the top).
    #[error("{field:?} must have {min} to {max} characters")]
    Length {
        /// The field.
        field: Field,
        /// Minimum length.
        min: usize,
        /// Maximum length.
        max: usize,
    },
    /// A new password is one of the commonest, or resembles the name of its user.
    #[error("password is too easy to guess")]
    WeakPassword,
    /// Members cannot leave `global` or be removed from it.
    #[error("nobody leaves the global room")]
    GlobalRoom,
    /// The members of a direct room cannot change, and a user has none with themselves.
    #[error("direct rooms have exactly two members")]
    DirectRoom,
    /// The global room and direct rooms cannot be removed.
    #[error("this room cannot be removed")]
    PermanentRoom,
    /// No token, or one that is forged, expired or revoked.
    #[error("no valid token")]
    Unauthenticated,
    /// Wrong user name or password, or a banned account.
    #[error("wrong name or password")]
    BadCredentials,
    /// The password that confirms a change of the caller's own account is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// The caller may know of the object but lacks the right for this action.
    #[error("not allowed")]
    Forbidden,
    /// The user was removed from the public room and may not join it before somebody adds them.
    #[error("removed from the room")]
    Removed,
    /// The other user has blocked the caller.
    #[error("blocked by the user")]
    Blocked,
    /// Only people who share a room with the user may add the user to one.
    #[error("the user shares no room with the caller")]
    Unacquainted,
    /// The caller's list of blocked users is full.
    #[error("too many blocked users")]
    TooManyBlocked,
    /// No such room, or one that the caller may not know of.
    #[error("room not found")]
    RoomNotFound,
    /// No such message in that room.
    #[error("message not found")]
    MessageNotFound,
    /// Messages of this kind, and those with a file, stay as they were sent.
    #[error("the message cannot be edited")]
    NotEditable,
    /// The server sends no requests to the network of this address.
    #[error("the server sends nothing to this address")]
    AddressRefused,
    /// The message was sent too long ago to be edited.
    #[error("the message is too old to be edited")]
    TooLate,
    /// The message has as many kinds of reactions as allowed, or as many reactions.
    #[error("too many reactions")]
    TooManyReactions,
    /// The room has as many pinned messages as allowed.
    #[error("too many pinned messages")]
    TooManyPins,
    /// No such user.
    #[error("user not found")]
    UserNotFound,
    /// The user is offline or does not exist; responses do not distinguish the two.
    #[error("user is not online")]
    UserOffline,
    /// No such path, or no such file.
    #[error("not found")]
    NotFound,
    /// The path exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// Nobody may register.
    #[error("registration is closed")]
    RegistrationClosed,
    /// Only those with an invite may register.
    #[error("an invite is required")]
    InviteRequired,
    /// No such invite, or one that has expired or is used up.
    #[error("the invite is not valid")]
    InviteInvalid,
    /// No such link to a room: it was revoked, its creator is neither owner nor admin any more, or it never existed.
    #[error("the link is not valid")]
    LinkInvalid,
    /// The link to a room has expired.
    #[error("the link has expired")]
    LinkExpired,
    /// As many users as allowed have joined with the link.
    #[error("the link is used up")]
    LinkUsedUp,
    /// The room has as many links as allowed.
    #[error("too many links")]
    TooManyLinks,
    /// The name is in use.
    #[error("user name is taken")]
    NameTaken,
    /// The e-mail address is in use.
    #[error("e-mail address is taken")]
    EmailTaken,
    /// The client id was used for another message.
    #[error("client id was used for another message")]
    ClientIdReused,
    /// A body or file exceeds its limit.
    #[error("larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The route does not accept this type of file or body.
    #[error("unsupported type")]
    UnsupportedType,
    /// Too many requests.
    #[error("too many requests")]
    RateLimited {
        /// Time to wait before the next attempt.
        retry_after: Duration,
    },
    /// Redis is almost out of memory, and this would take more. Reading and deleting still work.
    #[error("the store is full")]
    StorageFull,
    /// A user is in as many rooms as allowed.
    #[error("a user is in too many rooms")]
    TooManyRooms,
    /// The room is in slow mode, and the member's latest message too recent.
    #[error("slow mode")]
    SlowMode {
        /// Time to wait before the next attempt.
        retry_after: Duration,
    },
    /// Redis does not answer. The outcome of a write is unknown; clients retry with the same client id.
    #[error("store unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A defect or a malformed record. The cause is logged and never shown to clients.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Classes of errors that protocols distinguish, with their HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 409
    Conflict,
    /// 413
    TooLarge,
    /// 415
    UnsupportedType,
    /// 429
    RateLimited,
    /// 500
    Internal,
    /// 503
    Unavailable,
    /// 507
    StorageFull,
}

impl Kind {
    /// The HTTP status of this class.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedType => 415,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::StorageFull => 507,
        }
    }
}

/// How much an error matters to operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Someone must act.
    Defect,
    /// It is temporary.
    Outage,
    /// Only the client can do something about it.
    ClientMistake,
}

impl Error {
    /// The class that decides status and close code.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Malformed(_)
            | Self::Missing(_)
            | Self::Invalid(_)
            | Self::Length { .. }
            | Self::WeakPassword
            | Self::GlobalRoom
            | Self::DirectRoom
            | Self::PermanentRoom
            | Self::NotEditable
            | Self::AddressRefused => Kind::BadRequest,
            Self::Unauthenticated | Self::BadCredentials => Kind::Unauthorized,
            Self::WrongPassword
            | Self::Forbidden
            | Self::Removed
            | Self::Blocked
            | Self::Unacquainted
            | Self::RegistrationClosed
            | Self::InviteRequired
            | Self::InviteInvalid
            | Self::LinkExpired
            | Self::LinkUsedUp
            | Self::TooLate => Kind::Forbidden,
            Self::RoomNotFound
            | Self::MessageNotFound
            | Self::LinkInvalid
            | Self::UserNotFound
            | Self::UserOffline
            | Self::NotFound => Kind::NotFound,
            Self::MethodNotAllowed => Kind::MethodNotAllowed,
            Self::NameTaken
            | Self::EmailTaken
            | Self::ClientIdReused
            | Self::TooManyBlocked
            | Self::TooManyReactions
            | Self::TooManyPins
            | Self::TooManyLinks => Kind::Conflict,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::UnsupportedType => Kind::UnsupportedType,
            Self::RateLimited { .. } | Self::TooManyRooms | Self::SlowMode { .. } => Kind::RateLimited,
            Self::Internal(_) => Kind::Internal,
            Self::Unavailable(_) => Kind::Unavailable,
            Self::StorageFull => Kind::StorageFull,
        }
    }

    /// The code of the error for programs. Clients compare it, so codes never change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Missing(_) => "missing",
            Self::Invalid(_) => "invalid",
            Self::Length { .. } => "length",
            Self::WeakPassword => "weak_password",
            Self::GlobalRoom => "global_room",
            Self::DirectRoom => "direct_room",
            Self::PermanentRoom => "permanent_room",
            Self::Unauthenticated => "unauthenticated",
            Self::BadCredentials => "bad_credentials",
            Self::WrongPassword => "wrong_password",
            Self::Forbidden => "forbidden",
            Self::Removed => "removed",
            Self::Blocked => "blocked",
            Self::Unacquainted => "unacquainted",
            Self::TooManyBlocked => "too_many_blocked",
            Self::RoomNotFound => "room_not_found",
            Self::MessageNotFound => "message_not_found",
            Self::NotEditable => "not_editable",
            Self::AddressRefused => "address_refused",
            Self::TooLate => "too_late",
            Self::TooManyReactions => "too_many_reactions",
            Self::TooManyPins => "too_many_pins",
            Self::UserNotFound => "user_not_found",
            Self::UserOffline => "user_offline",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RegistrationClosed => "registration_closed",
            Self::InviteRequired => "invite_required",
            Self::InviteInvalid => "invite_invalid",
            Self::LinkInvalid => "link_invalid",
            Self::LinkExpired => "link_expired",
            Self::LinkUsedUp => "link_used_up",
            Self::TooManyLinks => "too_many_links",
            Self::NameTaken => "name_taken",
            Self::EmailTaken => "email_taken",
            Self::ClientIdReused => "client_id_reused",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::RateLimited { .. } => "rate_limited",
            Self::TooManyRooms => "too_many_rooms",
            Self::SlowMode { .. } => "slow_mode",
            Self::Unavailable(_) => "unavailable",
            Self::StorageFull => "storage_full",
            Self::Internal(_) => "internal",
        }
    }

    /// The field that the error is about, if it is about one.
    pub fn field(&self) -> Option<Field> {
        let (Self::Missing(field) | Self::Invalid(field) | Self::Length { field, .. }) = self else { return None };
        Some(*field)
    }

    /// The time after which the same request may succeed, where it is known.
    pub fn retry_after(&self) -> Option<Duration> {
        let (Self::RateLimited { retry_after } | Self::SlowMode { retry_after }) = self else { return None };
        Some(*retry_after)
    }

    /// How much the error matters to operators.
    pub fn severity(&self) -> Severity {
        match self.kind() {
            Kind::Internal => Severity::Defect,
            Kind::Unavailable | Kind::StorageFull => Severity::Outage,
            Kind::BadRequest
            | Kind::Unauthorized
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::UnsupportedType
            | Kind::RateLimited => Severity::ClientMistake,
        }
    }

    /// Creates an `Internal` error with a cause for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}
