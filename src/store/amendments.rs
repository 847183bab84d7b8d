//! Amendments as a room's hashes and its channel carry them.
//!
//! The key of the first hash ends with `gone`, and so does the name of the room's counter of amendments, because deletion was
//! once all that could happen to a stored message. It is read as a whole, so what may be long is in a second hash, under the
//! same field, of which only what is shown is read. Each field begins with the seq of the message, so that scripts trim
//! all kinds with the log:
//!
//! | field | value | details | announcement | meaning |
//! |---|---|---|---|---|
//! | `<seq>` | `<ms> <user>` | | `d <entry id> <revision> <user>` | the message was deleted |
//! | `<seq>:e` | `<ms> <user>` | the text | `e <entry id> <revision> <user> <ms> <text>` | the text was replaced |
//! | `<seq>:m` | `<ms> <user> <user>,<user>` | `{"at":[<user>,…],"as":[<name>,…]}` | `n <entry id> <revision> <user> <ms> <JSON>` | an edit changed whom the message mentions |
//! | `<seq>:p` | `<ms> <user> <1 or 0>` | | `p <entry id> <revision> <user> <ms> <1 or 0>` | the message was pinned or unpinned |
//! | `<seq>:r` | `<ms> <user>` | `<emoji> <user>,<user>` a line | `a <entry id> <revision> <user> <ms> <1 or 0> <emoji>` | a user reacted, or removed the reaction |
//!
//! A further kind has fields `<seq>:<letter>`, one per message, and its own verb on the channel. Nodes ignore fields
//! and verbs that they do not know.

use redis::{Pipeline, Value};

use super::redis::reply::{self, next, text, unexpected};
use super::{Store, mention_changes, record};
use crate::domain::{
    Amendment, AmendmentKind, Amendments, Emoji, EntryId, Error, HistoryQuery, Message, Reaction, Reactions, Result,
    RoomId, Seq, UserId,
};

/// Details that are read at once: about a megabyte if all are as long as they may be.
const DETAILS_AT_ONCE: usize = 50;

/// What the first hash of a room says.
#[derive(Debug, Default)]
pub(super) struct Outlines {
    /// The amendments that have no details.
    whole: Amendments,
    /// The others, by seq.
    outlines: Vec<Outline>,
}

/// An amendment without its details.
#[derive(Debug)]
struct Outline {
    seq: Seq,
    kind: OutlineKind,
    at_ms: Option<u64>,
    by: UserId,
    revision: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutlineKind {
    Deleted,
    Edited,
    Mentions,
    Reacted,
    /// The outline says whether the message is pinned.
    Pinned(bool),
}

impl OutlineKind {
    fn has_details(self) -> bool {
        match self {
            Self::Deleted | Self::Pinned(_) => false,
            Self::Edited | Self::Mentions | Self::Reacted => true,
        }
    }
}

impl Outline {
    /// Reads one field of the hash. `None` for a kind that this version does not know.
    fn read(field: &str, value: &str, revision: u64) -> Option<Self> {
        let mut words = value.splitn(3, ' ');
        let (at_ms, by) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (seq, kind) = match field.split_once(':') {
            None => (field, OutlineKind::Deleted),
            Some((seq, "e")) => (seq, OutlineKind::Edited),
            Some((seq, "m")) => (seq, OutlineKind::Mentions),
            Some((seq, "r")) => (seq, OutlineKind::Reacted),
            Some((seq, "p")) => (seq, OutlineKind::Pinned(words.next() == Some("1"))),
            Some(_) => return None,
        };
        let by = by.parse().map_or(UserId::SERVER, UserId);
        Some(Self { seq: Seq(seq.parse().ok()?), kind, at_ms: at_ms.parse().ok(), by, revision })
    }

    /// The field that has the details.
    fn field(&self) -> String {
        match self.kind {
            OutlineKind::Deleted => self.seq.0.to_string(),
            OutlineKind::Edited => format!("{}:e", self.seq.0),
            OutlineKind::Mentions => format!("{}:m", self.seq.0),
            OutlineKind::Reacted => format!("{}:r", self.seq.0),
            OutlineKind::Pinned(_) => format!("{}:p", self.seq.0),
        }
    }

    fn with(&self, details: &str) -> Amendment {
        let what = match self.kind {
            OutlineKind::Deleted => AmendmentKind::Deleted,
            OutlineKind::Edited => AmendmentKind::Edited(details.into()),
            OutlineKind::Mentions => mention_changes::read_mentions(details),
            OutlineKind::Pinned(is_pinned) => AmendmentKind::Pinned(is_pinned),
            OutlineKind::Reacted => AmendmentKind::Reactions(read_reactions(details, self.at_ms).into()),
        };
        let id = EntryId { seq: self.seq, at_ms: 0 };
        Amendment { id, revision: self.revision, by: self.by, at_ms: self.at_ms, what }
    }
}

impl Outlines {
    /// Reads fields and values. `revision` is the room's, which the hash does not record for each entry.
    pub(super) fn read(reply: &Value, revision: u64) -> Result<Self> {
        let entries = reply.as_map_iter().ok_or_else(|| unexpected(reply))?;
        let mut read = Vec::new();
        for (field, value) in entries {
            read.extend(Outline::read(text(field)?, text(value)?, revision));
        }
        read.sort_by_key(|outline| outline.seq);
        let (outlines, whole): (Vec<_>, Vec<_>) = read.into_iter().partition(|outline| outline.kind.has_details());
        Ok(Self { whole: whole.iter().map(|outline| outline.with("")).collect(), outlines })
    }

    /// Whether a message was deleted.
    pub(super) fn is_deleted(&self, seq: Seq) -> bool {
        self.whole.is_deleted(seq)
    }

    /// The amendments of one message that have details.
    fn of(&self, seq: Seq) -> &[Outline] {
        let first = self.outlines.partition_point(|outline| outline.seq < seq);
        let behind = &self.outlines[first..];
        &behind[..behind.partition_point(|outline| outline.seq == seq)]
    }
}

impl Store {
    /// The amendments of a room with their details: all that have none, and of the others those that are requested, by
    /// their seq and time.
    pub(super) async fn amendments(
        &self,
        room: RoomId,
        outlines: Outlines,
        is_wanted: impl Fn(Seq, u64) -> bool,
    ) -> Result<Amendments> {
        let Outlines { whole: mut amendments, outlines } = outlines;
        let wanted = outlines.iter().filter(|outline| is_wanted(outline.seq, outline.at_ms.unwrap_or(0)));
        let wanted: Vec<&Outline> = wanted.collect();
        for some in wanted.chunks(DETAILS_AT_ONCE) {
            let read = self.read_details(room, some).await?.into_iter();
            // The announcement of a deletion says more.
            read.filter(|it| it.what != AmendmentKind::Deleted).for_each(|amendment| amendments.push(amendment));
        }
        Ok(amendments)
    }

    /// The messages of a page, of which none is deleted, as they read after their amendments, and whether the last ones are
    /// left out because the page would be too large. Takes further round trips only if some of them were amended.
    pub(super) async fn amend_page(
        &self,
        query: &HistoryQuery,
        outlines: &Outlines,
        selected: Vec<Message>,
    ) -> Result<(Vec<Message>, bool)> {
        let selected = outlines.whole.overlay(selected);
        if selected.iter().all(|message| outlines.of(message.id.entry.seq).is_empty()) {
            return Ok((selected, false));
        }
        let (mut page, mut bytes) = (Vec::with_capacity(selected.len()), 0);
        let mut rest = selected.into_iter();
        while rest.len() > 0 {
            let some: Vec<Message> = rest.by_ref().take(DETAILS_AT_ONCE).collect();
            let wanted: Vec<&Outline> = some.iter().flat_map(|message| outlines.of(message.id.entry.seq)).collect();
            let amendments: Amendments = self.read_details(query.room, &wanted).await?.into_iter().collect();
            for message in amendments.overlay(some) {
                bytes += message.printed_bytes();
                if query.max_bytes.is_some_and(|max_bytes| bytes > max_bytes) && !page.is_empty() {
                    return Ok((page, true));
                }
                page.push(message);
            }
        }
        Ok((page, false))
    }

    /// Reads details. A message without details was deleted or trimmed since.
    async fn read_details(&self, room: RoomId, outlines: &[&Outline]) -> Result<Vec<Amendment>> {
        if outlines.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(self.keys.room(room).details);
        for outline in outlines {
            pipeline.arg(outline.field());
        }
        let details = next(&mut self.run_sized(&pipeline, outlines.len()).await?.into_iter())?;
        let details: Vec<Option<String>> = reply::read(details)?;
        let amendment = |(outline, details): (&&Outline, Option<String>)| match details {
            Some(details) => outline.with(&details),
            None => Outline { kind: OutlineKind::Deleted, ..**outline }.with(""),
        };
        Ok(outlines.iter().zip(details).map(amendment).collect())
    }
}

/// Reads what follows the verb of an announced deletion.
pub(super) fn parse_deletion(id: &str, rest: &str) -> Option<Amendment> {
    // Early versions did not name the user.
    let (revision, by) = rest.split_once(' ').unwrap_or((rest, "0"));
    let (id, by) = (EntryId::parse(id)?, UserId(by.parse().ok()?));
    Some(Amendment { id, revision: revision.parse().ok()?, by, at_ms: None, what: AmendmentKind::Deleted })
}

/// Reads what follows the verb of an announced edit.
pub(super) fn parse_edit(id: &str, rest: &str) -> Option<Amendment> {
    let mut words = rest.splitn(4, ' ');
    let mut number = || words.next()?.parse().ok();
    let (revision, by, at_ms) = (number()?, UserId(number()?), number()?);
    let what = AmendmentKind::Edited(words.next()?.into());
    Some(Amendment { id: EntryId::parse(id)?, revision, by, at_ms: Some(at_ms), what })
}

/// Reads what follows the verb of an announced pin.
pub(super) fn parse_pin(id: &str, rest: &str) -> Option<Amendment> {
    let words: Vec<&str> = rest.split(' ').collect();
    let [revision, by, at_ms, is_on @ ("0" | "1")] = words.as_slice() else { return None };
    let what = AmendmentKind::Pinned(*is_on == "1");
    let (id, by) = (EntryId::parse(id)?, UserId(by.parse().ok()?));
    Some(Amendment { id, revision: revision.parse().ok()?, by, at_ms: Some(at_ms.parse().ok()?), what })
}

/// Reads what follows the verb of an announced reaction.
pub(super) fn parse_reaction(id: &str, rest: &str) -> Option<Amendment> {
    let words: Vec<&str> = rest.split(' ').collect();
    let [revision, by, at_ms, is_on @ ("0" | "1"), emoji] = words.as_slice() else { return None };
    let what = AmendmentKind::Reacted { emoji: Emoji::stored(emoji), is_on: *is_on == "1" };
    let (id, by) = (EntryId::parse(id)?, UserId(by.parse().ok()?));
    Some(Amendment { id, revision: revision.parse().ok()?, by, at_ms: Some(at_ms.parse().ok()?), what })
}

/// Reads all reactions to a message: a line for each emoji, with the users after it.
fn read_reactions(details: &str, changed_at_ms: Option<u64>) -> Reactions {
    let kind = |line: &str| {
        let (emoji, users) = line.split_once(' ')?;
        let users = users.split(',').filter_map(|user| user.parse().ok().map(UserId)).collect();
        Some(Reaction { emoji: Emoji::stored(emoji), users })
    };
    Reactions::new(details.lines().filter_map(kind).collect(), changed_at_ms)
}

/// The message of a record as it reads after the amendments that a script replied with it: field, value and details of
/// each. `None` when it was deleted.
pub(super) fn read_amended(room: RoomId, id: EntryId, record: &str, amendments: &Value) -> Result<Option<Message>> {
    let Value::Array(items) = amendments else { return Err(unexpected(amendments)) };
    let mut read = Vec::new();
    for item in items.chunks(3) {
        let [field, value, details] = item else { return Err(Error::internal("an amendment without details")) };
        let outline = Outline::read(text(field)?, text(value)?, 0);
        read.extend(outline.map(|outline| text(details).map(|details| outline.with(details))).transpose()?);
    }
    Ok(read.into_iter().collect::<Amendments>().apply(record::decode(room, id, record)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn hash(entries: &[(&str, &str)]) -> Value {
        Value::Map(entries.iter().map(|(field, text)| (value(field), value(text))).collect())
    }

    fn deletion(seq: u64, by: u64, at_ms: Option<u64>) -> Amendment {
        let id = EntryId { seq: Seq(seq), at_ms: 0 };
        Amendment { id, revision: 4, by: UserId(by), at_ms, what: AmendmentKind::Deleted }
    }

    #[test]
    fn amendments_are_read_and_unknown_kinds_are_ignored() {
        let entries = [("7", "12 3"), ("8:z", "12 3"), ("x", ""), ("9:e", "13 4"), ("5", ""), ("x:e", "1 2")];
        let found = Outlines::read(&hash(&entries), 4).expect("reads");
        assert_eq!(found.whole.clone().into_vec(), [deletion(5, 0, None), deletion(7, 3, Some(12))]);
        assert!(found.is_deleted(Seq(7)) && !found.is_deleted(Seq(9)) && found.of(Seq(8)).is_empty());
        let [edit] = found.of(Seq(9)) else { panic!("{found:?}") };
        assert_eq!(edit.field(), "9:e");
        let what = AmendmentKind::Edited("a new text".into());
        assert_eq!(edit.with("a new text"), Amendment { what, ..deletion(9, 4, Some(13)) });
    }

    #[test]
    fn announced_deletions_are_read() {
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        let deletion = Amendment { id, ..deletion(7, 3, None) };
        assert_eq!(parse_deletion("7-12", "4 3"), Some(deletion));
        assert_eq!(parse_deletion("7-12", "4").map(|deletion| deletion.by), Some(UserId::SERVER));
        assert_eq!(parse_deletion("7-12", "4 3 more"), None);
    }

    #[test]
    fn announced_edits_are_read() {
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        let edited = |text: &str| {
            let what = AmendmentKind::Edited(text.into());
            Some(Amendment { id, what, ..deletion(7, 3, Some(20)) })
        };
        assert_eq!(parse_edit("7-12", "4 3 20 a  new\ntext "), edited("a  new\ntext "));
        for bad in ["4 3 20", "4 3 x a", "4", ""] {
            assert_eq!(parse_edit("7-12", bad), None, "{bad}");
        }
    }

    #[test]
    fn pins_are_read_and_have_no_details() {
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        let pinned = |is_on, id| Amendment { id, what: AmendmentKind::Pinned(is_on), ..deletion(7, 3, Some(20)) };
        assert_eq!(parse_pin("7-12", "4 3 20 1"), Some(pinned(true, id)));
        assert_eq!(parse_pin("7-12", "4 3 20 0"), Some(pinned(false, id)));
        for bad in ["4 3 20", "4 3 20 2", "4 3 20 1 more", ""] {
            assert_eq!(parse_pin("7-12", bad), None, "{bad}");
        }
        for (value, is_on) in [("20 3 1", true), ("20 3 0", false), ("20 3", false)] {
            let found = Outlines::read(&hash(&[("7:p", value)]), 4).expect("reads");
            assert_eq!(found.whole.into_vec(), [pinned(is_on, EntryId { at_ms: 0, ..id })], "{value}");
            assert!(found.outlines.is_empty());
        }
    }

    #[test]
    fn announced_reactions_are_read() {
        let id = EntryId { seq: Seq(7), at_ms: 12 };
        let reacted = |is_on| {
            let what = AmendmentKind::Reacted { emoji: Emoji::stored("👍"), is_on };
            Some(Amendment { id, what, ..deletion(7, 3, Some(20)) })
        };
        assert_eq!(parse_reaction("7-12", "4 3 20 1 👍"), reacted(true));
        assert_eq!(parse_reaction("7-12", "4 3 20 0 👍"), reacted(false));
        for bad in ["4 3 20 1", "4 3 20 2 👍", "4 3 20 👍", "4 3 20 1 👍 more", ""] {
            assert_eq!(parse_reaction("7-12", bad), None, "{bad}");
        }
    }

    #[test]
    fn reactions_are_read() {
        let reactions = read_reactions("👍 3,7\n😀 7", Some(12));
        let users: Vec<_> = reactions.kinds().iter().map(|kind| (kind.emoji.as_str(), kind.users.len())).collect();
        assert_eq!(users, [("👍", 2), ("😀", 1)]);
        assert_eq!(reactions.changed_at_ms(), Some(12));
        assert_eq!(read_reactions("", None), Reactions::default());
    }

    #[test]
    fn a_message_is_amended_by_what_a_script_replies() {
        let (id, record) = (EntryId { seq: Seq(7), at_ms: 12 }, r#"3 {"v":1,"k":"t","n":"a","t":"old"}"#);
        let read = |items: &[&str]| {
            let items = Value::Array(items.iter().map(|text| value(text)).collect());
            read_amended(RoomId::GLOBAL, id, record, &items).map(|found| found.map(|message| message.text))
        };
        assert_eq!(read(&[]).expect("reads").as_deref(), Some("old"));
        assert_eq!(read(&["7:e", "20 3", "new", "7:z", "1", ""]).expect("reads").as_deref(), Some("new"));
        assert_eq!(read(&["7:e", "20 3", "new", "7", "30 3", ""]).expect("reads"), None);
        assert!(read(&["7:e", "20 3"]).is_err());
    }
}
