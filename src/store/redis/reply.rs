//! Reads replies. A reply of an unexpected shape is a defect and returns an error; it never panics.

use std::time::Duration;

use redis::{FromRedisValue, Value, from_redis_value};

use crate::domain::{EntryId, Error, Result, UserId};

/// Converts a reply.
pub(in crate::store) fn read<T: FromRedisValue>(value: Value) -> Result<T> {
    from_redis_value(value).map_err(|error| Error::internal(error.to_string()))
}

/// The elements of an array.
pub(in crate::store) fn array(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(unexpected(&other)),
    }
}

/// A text without copying it.
pub(in crate::store) fn text(value: &Value) -> Result<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).map_err(Error::internal),
        Value::SimpleString(text) => Ok(text),
        other => Err(unexpected(other)),
    }
}

/// An entry id.
pub(in crate::store) fn entry_id(value: &Value) -> Result<EntryId> {
    let text = text(value)?;
    EntryId::parse(text).ok_or_else(|| Error::internal(format!("{text:?} is no entry id")))
}

/// A user's number.
pub(in crate::store) fn user_id(value: &Value) -> Result<UserId> {
    text(value)?.parse().map(UserId).map_err(Error::internal)
}

/// Whether the reply is nil, or Lua's false.
pub(in crate::store) fn is_absent(value: &Value) -> bool {
    matches!(value, Value::Nil | Value::Boolean(false))
}

/// The next element of a reply whose length the header of the script states.
pub(in crate::store) fn next<T>(items: &mut impl Iterator<Item = T>) -> Result<T> {
    items.next().ok_or_else(|| Error::internal("a reply is too short"))
}

/// The error of a script that limits the rate, with the time to wait in milliseconds.
pub(in crate::store) fn limited(wait_ms: i64) -> Error {
    Error::RateLimited { retry_after: millis(wait_ms) }
}

/// A duration in milliseconds, as scripts return it.
pub(in crate::store) fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// The error for a reply of an unexpected shape.
pub(in crate::store) fn unexpected(value: &Value) -> Error {
    Error::internal(format!("unexpected reply {value:?}"))
}
