//! Appends and deletes messages. Each takes one round trip, a message by which the sender joins a room two more.

use redis::Value;
use sha2::{Digest, Sha256};

use super::client_ids::ClientIdKeys;
use super::joins::Join;
use super::redis::keys::RoomKeys;
use super::redis::reply::{self, array, entry_id, is_absent, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use super::stored::{RoomEntry, kind_of, parse_pair};
use super::{Store, amendments, record};
use crate::domain::{
    Caller, EntryId, Error, Field, Message, MessageId, NamedInText, NewMessage, Notice, NoticeKind, Result, RoomHead,
    RoomId, RoomKind, Seq, UserId, hex,
};

/// Maximum number of messages that one call announces. Nodes read what is missing before them from the log.
const MAX_ANNOUNCED: u64 = 100;
/// By what right somebody sends, in the words of `append_message.lua`.
const AS_MEMBER: &str = "member";
const JOINING: &str = "joining";
const JOINING_AS_BOT: &str = "joining bot";
const BY_HOOK: &str = "hook";

/// Rate limit of a user's messages in one room.
#[derive(Clone, Copy, Debug)]
pub struct SendRate {
    /// Messages per second on average.
    pub per_sec: u32,
    /// Messages at once.
    pub burst: u32,
}

impl SendRate {
    /// The interval between messages and the burst in milliseconds, as arguments of a script; 0 without a limit.
    pub(super) fn as_arguments(rate: Option<Self>) -> (String, u64) {
        let interval_ms = rate.map_or(0.0, |rate| 1000.0 / f64::from(rate.per_sec.max(1)));
        let burst_ms = rate.map_or(0, |rate| (interval_ms * f64::from(rate.burst.saturating_sub(1))) as u64);
        (interval_ms.to_string(), burst_ms)
    }
}

/// On what terms a message is stored.
#[derive(Clone, Copy, Debug)]
pub struct SendTerms {
    /// Rate limit of the sender in the room.
    pub rate: Option<SendRate>,
    /// Whether it is sent by right of a webhook of the room, so that its sender is no member and does not become one.
    pub is_by_hook: bool,
}

/// Outcome of a send.
#[derive(Debug)]
pub struct Appended {
    /// The stored message; for a retry, the one of the first attempt.
    pub message: Message,
    /// The first message that the sender receives as a member, when the sender may just have joined by sending.
    pub(super) member_since: Option<Seq>,
    /// Whether an earlier attempt with the same client id stored the message.
    pub is_replay: bool,
    /// The room of a message of which users may have to be notified: a direct one, or one that mentions somebody. `None` for a
    /// retry, unless this node does not know the outcome of the first attempt.
    pub room: Option<AppendedRoom>,
}

impl Appended {
    /// A message that was stored now.
    pub fn new(message: Message, room: Option<AppendedRoom>) -> Self {
        Self { message, member_since: None, is_replay: false, room }
    }
}

/// The room of a stored message.
#[derive(Debug)]
pub struct AppendedRoom {
    /// The room.
    pub head: RoomHead,
    /// Its name; empty for direct rooms.
    pub name: String,
}

impl Store {
    /// Stores a message and announces it to the room, joining the sender to a public room first unless a webhook sends it.
    /// `seen` is the last message of the room that this node has seen, if it follows the room.
    ///
    /// # Errors
    /// `RoomNotFound` also for rooms that the sender may not know of; `Removed`, `Blocked`, `Invalid(ReplyTo)`,
    /// `ClientIdReused`, `MessageNotFound` when the message of this client id was deleted since, `RateLimited`, `SlowMode`.
    /// After `Unavailable` the outcome is unknown.
    pub async fn append(
        &self,
        room: RoomId,
        caller: &Caller,
        message: NewMessage,
        terms: SendTerms,
        seen: Option<EntryId>,
    ) -> Result<Appended> {
        let record = record::encode(&message, caller)?;
        let client_id = self.client_id_keys(room, caller.id, message.client_id.as_ref());
        let sent_key = client_id.name();
        let sending = Sending { room, caller, message: &message, record: &record, client_id: &client_id, terms, seen };
        let span = self.spans.child("store message");
        let outcome = self.run_append(&sending).await.inspect_err(|_| span.fail());
        if let (Err(Error::Unavailable(_)), Some(sent_key)) = (&outcome, sent_key) {
            self.note_unknown(sent_key);
        }
        let (reply, join) = outcome?;
        let mut appended = match (read_appended(reply, room, caller, message, &record), &join) {
            (Ok(appended), _) => appended,
            (Err(error), Some(join)) => {
                self.abandon_join(join, &error).await;
                return Err(error);
            }
            (Err(error), None) => return Err(error),
        };
        self.end_span(span, &appended);
        match appended.is_replay {
            true if sent_key.is_some_and(|key| self.count_if_unknown(key)) => {}
            true => appended.room = None,
            false => self.count_message(),
        }
        self.note_stored(caller, &appended, join.as_ref()).await;
        if self.writer.waits_for_replicas() {
            self.announce_message(appended.message.id).await?;
        }
        Ok(appended)
    }

    /// Runs the script. A sender who must join the room is recorded as about to join first, in a second round trip.
    async fn run_append(&self, sending: &Sending<'_>) -> Result<(Value, Option<Join>)> {
        let Sending { room, caller, message, record, client_id, terms, seen } = *sending;
        let keys = self.keys.room(room);
        let (rate_key, slow_key) = (self.keys.rate(room, caller.id), self.keys.slow(room, caller.id));
        let join_record = match room {
            RoomId::GLOBAL => String::new(),
            _ if terms.is_by_hook => String::new(),
            _ => record::encode_notice(&Notice::by_user(NoticeKind::Joined, caller))?,
        };
        let reply_to = message.reply_to.map(|entry| entry.to_string()).unwrap_or_default();
        let seen = seen.unwrap_or(EntryId::START);
        let hash = message.client_id.as_ref().map(|_| body_hash(message)).unwrap_or_default();
        let (interval, burst_ms) = SendRate::as_arguments(terms.rate);
        let [sent, first, second] = client_id.keys(&keys.room);
        let live = if self.writer.waits_for_replicas() { &keys.room } else { &keys.live };
        let RoomKeys { room: state, log, members, amendments, details, admins, removed, .. } = &keys;
        let keys: [&str; 13] = [
            state, log, members, amendments, live, &rate_key, removed, &slow_key, admins, details, sent, first, second,
        ];
        let keys = if hash.is_empty() { &keys[..10] } else { &keys[..] };
        let names = json_names(&message.named)?;
        let args = |right| {
            let mut args = vec![
                Arg::Number(caller.id.0),
                Arg::Text(record),
                Arg::Text(&join_record),
                Arg::Text(&reply_to),
                Arg::Text(&hash),
                Arg::Number(message.client_id.as_ref().map_or(0, |id| id.kept_secs() * 1000)),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
                Arg::Number(seen.seq.0),
                Arg::Number(seen.at_ms),
                Arg::Text(right),
                Arg::Bytes(client_id.field()),
            ];
            args.extend(mention_args(&message.named, &names));
            args
        };
        let right = if terms.is_by_hook { BY_HOOK } else { AS_MEMBER };
        let call = Call { script: &scripts::APPEND_MESSAGE, keys, args: &args(right) };
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        if !is_join(&reply)? {
            return Ok((reply, None));
        }
        let join = self.begin_join(room, caller.id, false).await?;
        let call = Call { args: &args(if join.is_bot { JOINING_AS_BOT } else { JOINING }), ..call };
        let (reply, _) = self.writer.run_script_after(std::slice::from_ref(&join.entering), &call, &[]).await?;
        Ok((reply, Some(join)))
    }

    /// Announces a message that replicas have received. For its sender the announcement is the acknowledgement.
    ///
    /// # Errors
    /// `Unavailable`. A retry with the same client id announces it.
    async fn announce_message(&self, id: MessageId) -> Result<()> {
        let RoomKeys { room, log, live, .. } = self.keys.room(id.room);
        let call = Call {
            script: &scripts::ANNOUNCE_MESSAGES,
            keys: &[&room, &log, &live],
            args: &[Arg::Number(id.entry.seq.0), Arg::Number(MAX_ANNOUNCED)],
        };
        self.connection.run_script(&call, &[]).await?;
        Ok(())
    }

    /// Records the effects of a stored message in other slots. A failure does not affect the message: the sender's list of
    /// rooms is corrected when it is read, activity is recorded with the next message. A retry records membership again,
    /// because the first attempt may have failed in between.
    async fn note_stored(&self, caller: &Caller, appended: &Appended, join: Option<&Join>) {
        let room = appended.message.id.room;
        let noted = async {
            if let Some(since) = appended.member_since {
                let entry = RoomEntry { room, kind: RoomKind::Public, other: None };
                self.settle_membership(entry, caller.id, true, since, join).await?;
            }
            if appended.is_replay { Ok(()) } else { self.note_active(room).await }
        };
        if let Err(error) = noted.await {
            tracing::warn!(room.id = %room, %error, "could not record what a message changed; later reads and writes will");
        }
    }

    /// Deletes a message, announces the deletion and returns the message as it was. Idempotent. An entry id with the time 0
    /// means the entry at its seq.
    ///
    /// # Errors
    /// `RoomNotFound`, `MessageNotFound`, `Forbidden`.
    pub async fn delete_message(&self, id: MessageId, caller: &Caller, is_admin: bool) -> Result<Message> {
        let keys = self.keys.room(id.room);
        let entry = match id.entry {
            EntryId { seq, at_ms: 0 } => seq.0.to_string(),
            entry => entry.to_string(),
        };
        let call = Call {
            script: &scripts::DELETE_MESSAGE,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.live, &keys.admins, &keys.details],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Text(&entry),
                Arg::Number(id.entry.seq.0),
                Arg::Text(if is_admin { "1" } else { "0" }),
                Arg::Number(self.retention.max_messages),
            ],
        };
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        let items = array(reply)?;
        let [status, rest @ ..] = items.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("deleted" | "already", [entry, record]) => record::decode(id.room, entry_id(entry)?, text(record)?),
            ("no_room", []) => Err(Error::RoomNotFound),
            ("no_message", []) => Err(Error::MessageNotFound),
            ("forbidden", []) => Err(Error::Forbidden),
            _ => Err(unexpected(status)),
        }
    }
}

/// A message to append, and its record.
#[derive(Clone, Copy)]
struct Sending<'a> {
    room: RoomId,
    caller: &'a Caller,
    message: &'a NewMessage,
    record: &'a str,
    /// Where its client id is remembered.
    client_id: &'a ClientIdKeys,
    terms: SendTerms,
    seen: Option<EntryId>,
}

/// Whether the script requires the sender to be recorded as about to join.
fn is_join(reply: &Value) -> Result<bool> {
    match reply {
        Value::Array(items) => Ok(items.len() == 1 && text(&items[0])? == "join"),
        other => Err(unexpected(other)),
    }
}

fn read_appended(reply: Value, room: RoomId, caller: &Caller, new: NewMessage, sent: &str) -> Result<Appended> {
    let items = array(reply)?;
    let [status, rest @ ..] = items.as_slice() else { return Err(Error::internal("an empty reply")) };
    match (text(status)?, rest) {
        ("stored", [id, Value::Int(joined), rest @ ..]) => {
            let (mentioned, about) = match rest {
                [] => (Vec::new(), None),
                [mentioned, kind, about] => {
                    (reply::read(mentioned.clone())?, Some(room_of(room, text(kind)?, text(about)?)?))
                }
                _ => return Err(unexpected(status)),
            };
            let message = stored(room, entry_id(id)?, caller, new, mentioned);
            // The notice that the sender joined precedes the message.
            let member_since = (*joined == 1).then(|| message.id.entry.seq.previous());
            Ok(Appended { member_since, ..Appended::new(message, about) })
        }
        ("replay", [id, record, amended, Value::Int(since), kind, about]) => {
            // When the log has dropped the entry since, the retry carries the same message.
            let record = if is_absent(record) { sent } else { text(record)? };
            let message = amendments::read_amended(room, entry_id(id)?, record, amended)?;
            let message = message.ok_or(Error::MessageNotFound)?;
            let member_since = (*since > 0).then(|| Seq(since.unsigned_abs()));
            let room = room_of(room, text(kind)?, text(about)?)?;
            Ok(Appended { message, member_since, is_replay: true, room: Some(room) })
        }
        ("conflict", []) => Err(Error::ClientIdReused),
        ("no_room", []) => Err(Error::RoomNotFound),
        ("blocked", []) => Err(Error::Blocked),
        ("no_reply", []) => Err(Error::Invalid(Field::ReplyTo)),
        ("removed", []) => Err(Error::Removed),
        ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
        ("slow", [Value::Int(wait_ms)]) => Err(Error::SlowMode { retry_after: reply::millis(*wait_ms) }),
        _ => Err(unexpected(status)),
    }
}

/// The room as the script describes it.
fn room_of(id: RoomId, kind: &str, about: &str) -> Result<AppendedRoom> {
    let kind = kind_of(kind)?;
    Ok(match kind {
        RoomKind::Direct => AppendedRoom { head: RoomHead { id, kind, pair: parse_pair(about) }, name: String::new() },
        RoomKind::Public | RoomKind::Group => {
            AppendedRoom { head: RoomHead { id, kind, pair: None }, name: about.to_owned() }
        }
    })
}

/// The names that a text may mention, as JSON.
pub(super) fn json_names(named: &[NamedInText]) -> Result<Vec<String>> {
    named.iter().map(|named| serde_json::to_string(&named.text).map_err(Error::internal)).collect()
}

/// Whom a text may mention, as arguments of a script.
pub(super) fn mention_args<'a>(named: &'a [NamedInText], names: &'a [String]) -> impl Iterator<Item = Arg<'a>> {
    named.iter().zip(names).flat_map(|(named, name)| {
        let user = named.user.map_or(0, |user| user.0);
        [Arg::Number(named.place as u64), Arg::Number(user), Arg::Text(name)]
    })
}

/// The message as it is stored. It mentions some of those that its text may mention, by their numbers from 1.
fn stored(room: RoomId, entry: EntryId, caller: &Caller, new: NewMessage, mentioned: Vec<usize>) -> Message {
    let named = mentioned.iter().filter_map(|number| new.named.get(number.checked_sub(1)?));
    let mentions = named.map(|named| (named.user.unwrap_or(UserId::SERVER), named.text.clone()));
    Message {
        mentions: record::mentions_of(mentions),
        id: MessageId { room, entry },
        sender: caller.user_ref(),
        kind: new.kind,
        text: new.text.into_string(),
        attachment: new.attachment,
        reply_to: new.reply_to.map(|entry| MessageId { room, entry }),
        client_id: new.client_id.as_ref().and_then(|id| id.own()).map(str::to_owned),
        notice: None,
        edited_at_ms: None,
        reactions: None,
        pin: None,
        mentions_changed_at_ms: None,
        forwarded_from: new.forwarded_from.map(Box::new),
    }
}

/// Hashes what retries with one client id must have in common: everything except the sender's name, which may change
/// between attempts, and the address of an upload, which always does.
fn body_hash(message: &NewMessage) -> String {
    let file = message.attachment.as_ref();
    let url = file.filter(|file| !file.is_own_upload).map(|file| &file.url);
    let file = file.map(|file| (url, &file.name, file.size));
    let mut hasher = Sha256::new();
    hasher.update(format!("{:?}\0{:?}\0{file:?}\0", message.kind, message.reply_to));
    match &message.forwarded_from {
        // It may have been edited between two attempts.
        Some(origin) => hasher.update(format!("{:?}", origin.message)),
        None => hasher.update(message.text.as_str()),
    }
    hasher.update(message.file_digest.unwrap_or_default());
    hex(&hasher.finalize()[..16])
}
