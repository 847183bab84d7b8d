//! Reading replies. A reply of another shape than the command promises is a defect, never a panic.

use std::time::Duration;

use redis::{FromRedisValue, Value, from_redis_value};

use crate::domain::{EntryId, Error, Result, UserId};

/// Converts a reply.
pub(super) fn read<T: FromRedisValue>(value: Value) -> Result<T> {
    from_redis_value(value).map_err(|error| Error::internal(error.to_string()))
}

/// The elements of an array.
pub(super) fn array(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(unexpected(&other)),
    }
}

/// A text without copying it.
pub(super) fn text(value: &Value) -> Result<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).map_err(Error::internal),
        Value::SimpleString(text) => Ok(text),
        other => Err(unexpected(other)),
    }
}

/// An entry id.
pub(super) fn entry_id(value: &Value) -> Result<EntryId> {
    let text = text(value)?;
    EntryId::parse(text).ok_or_else(|| Error::internal(format!("{text:?} is no entry id")))
}

/// A user's number.
pub(super) fn user_id(value: &Value) -> Result<UserId> {
    text(value)?.parse().map(UserId).map_err(Error::internal)
}

/// Whether the reply says that there is nothing (nil, or Lua's false).
pub(super) fn is_absent(value: &Value) -> bool {
    matches!(value, Value::Nil | Value::Boolean(false))
}

/// The next element of a reply that has as many as the script's header says.
pub(super) fn next(items: &mut impl Iterator<Item = Value>) -> Result<Value> {
    items.next().ok_or_else(|| Error::internal("a reply is too short"))
}

/// A script's refusal for this many milliseconds.
pub(super) fn limited(wait_ms: i64) -> Error {
    Error::RateLimited { retry_after: Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)) }
}

/// The defect of a reply that no header promises.
pub(super) fn unexpected(value: &Value) -> Error {
    Error::internal(format!("unexpected reply {value:?}"))
}
