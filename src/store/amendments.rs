//! Amendments as a room's hash and its channel carry them.
//!
//! The key of the hash ends with `gone`, and so does the name of the room's counter of amendments, because deletion was
//! once all that could happen to a stored message. Each field begins with the seq of the message, so that scripts
//! trim all kinds with the log:
//!
//! | field | value | announcement | meaning |
//! |---|---|---|---|
//! | `<seq>` | `<ms> <user>` | `d <entry id> <revision> <user>` | the message was deleted |
//!
//! A further kind has fields `<seq>:<letter>`, one per message, and its own verb on the channel. Nodes ignore fields
//! and verbs that they do not know.

use redis::Value;

use super::record;
use super::redis::reply::{text, unexpected};
use crate::domain::{Amendment, AmendmentKind, Amendments, EntryId, Message, Result, RoomId, Seq, UserId};

/// Reads fields and values of a room's hash. `revision` is the room's, which the hash does not note for each entry.
pub(super) fn read(reply: &Value, revision: u64) -> Result<Amendments> {
    let entries = reply.as_map_iter().ok_or_else(|| unexpected(reply))?;
    let mut amendments = Vec::new();
    for (field, value) in entries {
        amendments.extend(read_entry(text(field)?, text(value)?, revision));
    }
    Ok(amendments.into_iter().collect())
}

/// One field of the hash. `None` for a kind that this version does not know.
fn read_entry(field: &str, value: &str, revision: u64) -> Option<Amendment> {
    let id = EntryId { seq: Seq(field.parse().ok()?), at_ms: 0 };
    let (at_ms, by) = value.split_once(' ').unwrap_or_default();
    let by = by.parse().map_or(UserId::SERVER, UserId);
    Some(Amendment { id, revision, by, at_ms: at_ms.parse().ok(), what: AmendmentKind::Deleted })
}

/// Reads what follows the verb of an announced deletion.
pub(super) fn parse_deletion(id: &str, rest: &str) -> Option<Amendment> {
    // Early versions did not name the user.
    let (revision, by) = rest.split_once(' ').unwrap_or((rest, "0"));
    let (id, by) = (EntryId::parse(id)?, UserId(by.parse().ok()?));
    Some(Amendment { id, revision: revision.parse().ok()?, by, at_ms: None, what: AmendmentKind::Deleted })
}

/// The message of a record as it reads after the amendments that a script replied with it. `None` when it was deleted.
pub(super) fn read_amended(room: RoomId, id: EntryId, record: &str, amendments: &Value) -> Result<Option<Message>> {
    let message = record::decode(room, id, record)?;
    Ok(read(amendments, 0)?.apply(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(entries: &[(&str, &str)]) -> Value {
        let value = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        Value::Map(entries.iter().map(|(field, text)| (value(field), value(text))).collect())
    }

    fn deletion(seq: u64, by: u64, at_ms: Option<u64>) -> Amendment {
        let id = EntryId { seq: Seq(seq), at_ms: 0 };
        Amendment { id, revision: 4, by: UserId(by), at_ms, what: AmendmentKind::Deleted }
    }

    #[test]
    fn deletions_are_read_and_unknown_kinds_are_ignored() {
        let found = read(&hash(&[("7", "12 3"), ("8:e", "12 3 new text"), ("x", ""), ("5", "")]), 4).expect("reads");
        assert_eq!(found.into_vec(), [deletion(5, 0, None), deletion(7, 3, Some(12))]);
    }

    #[test]
    fn announced_deletions_are_read() {
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        let deletion = Amendment { id, ..deletion(7, 3, None) };
        assert_eq!(parse_deletion("7-12", "4 3"), Some(deletion));
        assert_eq!(parse_deletion("7-12", "4").map(|deletion| deletion.by), Some(UserId::SERVER));
        assert_eq!(parse_deletion("7-12", "4 3 more"), None);
    }
}
