//! Errors of Redis that do not pass: the settings, or the rights of the Redis user, are wrong.

use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::domain::Error;

/// Redis cannot be used as it is configured, and waiting does not help. Prints as one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

impl Unusable {
    /// The line of an error that is one of these.
    pub fn line(error: &Error) -> Option<&str> {
        let Error::Internal(source) = error else { return None };
        source.downcast_ref::<Self>().map(|unusable| unusable.0.as_str())
    }
}

/// Creates the error with its line.
pub(in crate::store) fn unusable(line: impl Into<String>) -> Error {
    Error::internal(Unusable(line.into()))
}

/// Converts the error of a connect: refused credentials and missing rights are [`Unusable`], anything else may be
/// temporary.
pub(in crate::store) fn connect_error(error: &RedisError, address: &str) -> Error {
    let reason = reason(error);
    if is_tls_error(error) {
        return unusable(format!("TLS with Redis at {address} failed: {reason}"));
    }
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => {
            unusable(format!("Redis at {address} refuses the user name or the password: {reason}"))
        }
        (_, Some("NOPERM")) => missing_right(error),
        (ErrorKind::RESP3NotSupported, _) => unusable(format!("the server at {address} does not speak RESP3")),
        // The answer to HELLO or SELECT.
        (ErrorKind::InvalidClientConfig | ErrorKind::Server(ServerErrorKind::ResponseError), _) => {
            unusable(format!("cannot connect to Redis at {address}: {reason}"))
        }
        _ => Error::Unavailable(format!("Redis at {address}: {error}").into()),
    }
}

/// The error for something that the user of Redis may not do.
pub(in crate::store) fn missing_right(error: &RedisError) -> Error {
    unusable(format!("Redis denies a right, docs/operations.md lists those that Chinwag needs: {}", reason(error)))
}

/// Whether the TLS handshake failed, rather than the network below it.
fn is_tls_error(error: &RedisError) -> bool {
    type Shared = Arc<dyn std::error::Error + Send + Sync>;
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Shared>());
    let io = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    io.and_then(std::io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>())
}

/// What Redis said, or what failed below it.
fn reason(error: &RedisError) -> String {
    error.detail().map_or_else(|| error.to_string(), str::to_owned)
}
