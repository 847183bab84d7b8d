//! Messages: append, read, delete. Each is one round trip.

use std::collections::{HashMap, HashSet};

use redis::{Pipeline, Value};
use sha2::{Digest, Sha256};

use super::members::RoomEntry;
use super::reply::{self, array, entry_id, is_absent, next, text, unexpected};
use super::scripts::{self, Arg, Call};
use super::{Store, record, rooms};
use crate::domain::{
    Caller, Change, Deletion, EntryId, Error, Field, HistoryPage, HistoryQuery, Limit, Message, MessageId, NewMessage,
    Receipts, Result, RoomHead, RoomId, RoomKind, Runs, Sender, Seq, Span, Tail, UserId, Watermark,
};

/// How fast a user may send into one room: `per_sec` on average, `burst` at once.
#[derive(Clone, Copy, Debug)]
pub struct SendRate {
    /// Messages a second.
    pub per_sec: u32,
    /// Messages at once.
    pub burst: u32,
}

impl SendRate {
    /// The milliseconds between messages and of the burst, as scripts take them; no rate is 0.
    pub(super) fn as_arguments(rate: Option<Self>) -> (String, u64) {
        let interval_ms = rate.map_or(0.0, |rate| 1000.0 / f64::from(rate.per_sec.max(1)));
        let burst_ms = rate.map_or(0, |rate| (interval_ms * f64::from(rate.burst.saturating_sub(1))) as u64);
        (interval_ms.to_string(), burst_ms)
    }
}

/// What became of a send.
#[derive(Debug)]
pub struct Appended {
    /// The stored message: the first one when this was a retry.
    pub message: Message,
    /// Whether the sender became a member by it.
    pub has_joined: bool,
    /// Whether the message was stored before, by an earlier try with the same client id.
    pub is_replay: bool,
}

impl Store {
    /// Stores a message and announces it to the room, joining the sender to a public room first.
    /// `joining` is the text of the server's message about that; the day's counter rides beside.
    ///
    /// # Errors
    /// `RoomNotFound` also for rooms that the sender may not know of; `Invalid(ReplyTo)`, `ClientIdReused`,
    /// `MessageNotFound` when the message of this client id was deleted since,
    /// `RateLimited`. After `Unavailable` the outcome is unknown.
    pub async fn append(
        &self,
        room: RoomId,
        caller: &Caller,
        message: NewMessage,
        joining: &str,
        rate: Option<SendRate>,
    ) -> Result<Appended> {
        let joiner = Change::Added(Sender { id: caller.id, name: caller.name.clone() });
        let keys = self.keys.room(room);
        let rate_key = self.keys.rate(room, caller.id);
        let sent_key = message.client_id.as_ref().map(|id| self.keys.sent(room, caller.id, id));
        let record = record::encode(&message, caller)?;
        let join_record = match room {
            RoomId::GLOBAL => String::new(),
            _ => record::encode_system(joining, Some(&joiner))?,
        };
        let reply_to = message.reply_to.map(|entry| entry.to_string()).unwrap_or_default();
        let hash = sent_key.as_ref().map(|_| body_hash(&message)).unwrap_or_default();
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let call = Call {
            script: &scripts::APPEND_MESSAGE,
            keys: &[
                &keys.room,
                &keys.log,
                &keys.members,
                &keys.gone,
                &keys.live,
                &rate_key,
                sent_key.as_deref().unwrap_or(&keys.room),
            ],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Text(&record),
                Arg::Text(&join_record),
                Arg::Text(&reply_to),
                Arg::Text(&hash),
                Arg::Number(message.client_id.as_ref().map_or(0, |id| id.kept_secs() * 1000)),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
            ],
        };
        let day = self.today();
        let (reply, _) = self.lane.run_script(&call, &self.count_message(day)).await?;
        let appended = read_appended(reply, room, caller, message, &record);
        match &appended {
            Ok(Appended { is_replay: false, has_joined, message }) => {
                // The message of the joining stands before the message itself.
                let joined_at = has_joined.then(|| Seq(message.id.entry.seq.0.saturating_sub(1)));
                self.note_stored(room, caller, joined_at).await;
            }
            Ok(Appended { is_replay: true, .. }) | Err(_) => self.uncount_message(day).await,
        }
        appended
    }

    /// What follows from a stored message in other slots. The message is stored and acknowledged whatever
    /// becomes of this: membership is noted again when the sender joins, activity by the next message.
    async fn note_stored(&self, room: RoomId, caller: &Caller, joined_at: Option<Seq>) {
        let noted = async {
            if let Some(since) = joined_at {
                let entry = RoomEntry { room, kind: RoomKind::Public, other: None };
                self.settle_membership(entry, caller.id, true, since).await?;
            }
            self.note_active(room).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(room.id = %room, %error, "message stored, its effects not noted");
        }
    }

    /// A page of a room's history with the room's state. Deleted and expired messages are left out and
    /// the page is filled past them.
    ///
    /// # Errors
    /// `RoomNotFound` also for rooms that the caller may not know of.
    pub async fn history(&self, query: HistoryQuery, caller: &Caller) -> Result<HistoryPage> {
        let whole = usize::try_from(self.retention.max_messages).unwrap_or(usize::MAX);
        let wanted = query.skip.saturating_add(query.limit.get());
        if query.with_total || wanted >= whole {
            return Ok(self.read_history(query, caller, whole.max(query.limit.get())).await?.0);
        }
        let (page, is_exhausted) = self.read_history(query, caller, wanted).await?;
        if page.messages.len() >= query.limit.get() || is_exhausted {
            return Ok(page);
        }
        // Hidden entries left the page short: once more, over all that a room can hold.
        Ok(self.read_history(query, caller, whole).await?.0)
    }

    /// One reading of up to `count` entries, and whether there are no more.
    async fn read_history(&self, query: HistoryQuery, caller: &Caller, count: usize) -> Result<(HistoryPage, bool)> {
        let room = query.room;
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(10);
        // The state first: a page may be newer than its watermark, never older.
        rooms::read_state(&mut pipeline, &keys.room);
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(caller.id.0);
        match query.span {
            Span::Latest => pipeline.cmd("XREVRANGE").arg(&keys.log).arg("+").arg("-"),
            Span::Before(Seq(0 | 1)) => pipeline.cmd("XREVRANGE").arg(&keys.log).arg("0-0").arg("0-0"),
            Span::Before(seq) => pipeline.cmd("XREVRANGE").arg(&keys.log).arg(seq.0 - 1).arg("-"),
            Span::After(seq) => pipeline.cmd("XRANGE").arg(&keys.log).arg(seq.0.saturating_add(1)).arg("+"),
        };
        pipeline.arg("COUNT").arg(count);
        pipeline.cmd("HKEYS").arg(&keys.gone);
        pipeline.cmd("ZSCORE").arg(self.keys.marks(caller.id)).arg(room.number());
        if room != RoomId::GLOBAL {
            pipeline.cmd("HGET").arg(&keys.read).arg(caller.id.0);
            pipeline.cmd("ZCARD").arg(&keys.members);
        }
        if query.with_receipts {
            self.read_receipts(&mut pipeline, &keys);
        }
        let mut replies = self.lane.run(&pipeline).await?.into_iter();
        let state = rooms::State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let is_member = !is_absent(&next(&mut replies)?);
        if state.head.kind != RoomKind::Public && !is_member {
            return Err(Error::RoomNotFound);
        }
        let entries = array(next(&mut replies)?)?;
        let is_exhausted = entries.len() < count;
        let gone: HashSet<u64> = reply::read(next(&mut replies)?)?;
        let highest: Option<f64> = reply::read(next(&mut replies)?)?;
        let (runs, members): (Option<String>, u64) = match room {
            RoomId::GLOBAL => (None, u64::MAX),
            _ => (reply::read(next(&mut replies)?)?, reply::read(next(&mut replies)?)?),
        };

        let mut messages = Vec::with_capacity(query.limit.get().min(entries.len()));
        let oldest_ms = self.oldest_ms();
        let mut total = 0;
        for entry in entries {
            let (id, record) = read_entry(&entry)?;
            let is_hidden =
                gone.contains(&id.seq.0) || id.at_ms < oldest_ms || (!query.with_servers && record::is_servers(record));
            if is_hidden {
                continue;
            }
            total += 1;
            if total > query.skip && messages.len() < query.limit.get() {
                messages.push(record::decode(room, id, record)?);
            }
        }
        let seqs = messages.iter().map(|message| message.id.entry.seq);
        let shown = seqs.clone().min().zip(seqs.max());
        // Without receipts the highest is all that is noted, whatever was kept while the room was smaller.
        let is_noted = |(first, last): (Seq, Seq)| match members > self.receipt_members {
            true => highest.is_some_and(|highest| highest >= last.0 as f64),
            false => runs.as_deref().is_some_and(|runs| Runs::parse(runs).cover(first, last)),
        };
        let unread = shown.filter(|shown| is_member && !is_noted(*shown));
        let receipts = match query.with_receipts {
            true => self.receipts(room, &mut replies)?,
            false => Receipts::default(),
        };
        let page =
            HistoryPage { messages, head: state.head, watermark: state.watermark, is_member, unread, total, receipts };
        Ok((page, is_exhausted))
    }

    /// What happened in a room behind an entry, up to `limit` entries, and whether that entry is still what it was: after
    /// Redis lost its latest writes another may stand in its place, or none yet. Then it is what was stored since.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn tail(&self, room: RoomId, after: EntryId, limit: Limit) -> Result<Tail> {
        let (tail, is_rewound) = self.read_tail(room, after, limit.get()).await?;
        if !is_rewound {
            return Ok(tail);
        }
        // How much was lost is not known here, but what was stored since has later times.
        let whole = usize::try_from(self.retention.max_messages).unwrap_or(usize::MAX - 1);
        let (mut tail, _) = self.read_tail(room, EntryId { seq: Seq(0), at_ms: 0 }, whole).await?;
        tail.messages.retain(|message| message.id.entry.at_ms > after.at_ms);
        Ok(Tail { is_complete: false, ..tail })
    }

    /// One reading of up to `limit` entries, and whether the log has gone back behind `after`.
    async fn read_tail(&self, room: RoomId, after: EntryId, limit: usize) -> Result<(Tail, bool)> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(3);
        rooms::read_state(&mut pipeline, &keys.room);
        // One more than asked for: the entry itself may come first.
        let count = limit + 1;
        pipeline.cmd("XRANGE").arg(&keys.log).arg(after.seq.0).arg("+").arg("COUNT").arg(count);
        pipeline.cmd("HGETALL").arg(&keys.gone);
        let mut replies = self.lane.run(&pipeline).await?.into_iter();
        let state = rooms::State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let entries = array(next(&mut replies)?)?;
        let gone: HashMap<u64, String> = reply::read(next(&mut replies)?)?;
        let oldest_ms = self.oldest_ms();
        let has_more = entries.len() == count;
        let mut messages = Vec::with_capacity(entries.len());
        let (mut first, mut last) = (None, state.watermark.last);
        for entry in &entries {
            let (id, record) = read_entry(entry)?;
            first.get_or_insert(id);
            last = id;
            // A seq that was given again has a later time.
            let is_behind = id.seq > after.seq || id.at_ms > after.at_ms;
            if is_behind && id.at_ms >= oldest_ms && !gone.contains_key(&id.seq.0) {
                messages.push(record::decode(room, id, record)?);
            }
        }
        let is_complete = match first {
            Some(first) if after.seq == Seq(0) => first.seq == Seq(1),
            Some(first) if first.seq == after.seq => first.at_ms == after.at_ms,
            Some(first) => first.seq.0 == after.seq.0 + 1 && first.at_ms >= after.at_ms,
            None => last == after || (last.seq == after.seq && after.seq == Seq(0)),
        };
        let is_given_again = first.is_some_and(|first| first.seq == after.seq && first.at_ms > after.at_ms);
        let is_rewound = is_given_again || last.seq < after.seq;
        let is_gapless = first.map_or(last.seq <= after.seq, |first| first.seq.0 <= after.seq.0 + 1);
        let deletions = state.watermark.deletions;
        let deletions = gone.iter().filter_map(|(seq, text)| {
            let (at_ms, by) = text.split_once(' ')?;
            let id = EntryId { seq: Seq(*seq), at_ms: 0 };
            Some((Deletion { id, by: UserId(by.parse().ok()?), deletions }, at_ms.parse().ok()?))
        });
        let tail = Tail {
            head: state.head,
            watermark: Watermark { last, ..state.watermark },
            is_complete,
            is_gapless,
            has_more,
            messages,
            deletions: deletions.collect(),
        };
        Ok((tail, is_rewound))
    }

    /// A room and how far it has come.
    ///
    /// # Errors
    /// `RoomNotFound`. Says nothing about who may see it.
    pub async fn room_state(&self, room: RoomId) -> Result<(RoomHead, Watermark)> {
        let mut pipeline = Pipeline::with_capacity(1);
        rooms::read_state(&mut pipeline, &self.keys.room(room).room);
        let mut replies = self.lane.run(&pipeline).await?.into_iter();
        let state = rooms::State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        Ok((state.head, state.watermark))
    }

    /// Marks a message as deleted, announces it and returns it as it was. Repeating it changes nothing. An
    /// entry whose time is 0 stands for the one at its seq.
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
            keys: &[&keys.room, &keys.log, &keys.members, &keys.gone, &keys.live, &keys.admins],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Text(&entry),
                Arg::Number(id.entry.seq.0),
                Arg::Text(if is_admin { "1" } else { "0" }),
                Arg::Number(self.retention.max_messages),
            ],
        };
        let (reply, _) = self.lane.run_script(&call, &[]).await?;
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

/// The id and the record of a stream entry.
fn read_entry(entry: &Value) -> Result<(EntryId, &str)> {
    if let Value::Array(parts) = entry
        && let [id, Value::Array(fields)] = parts.as_slice()
        && let [_, record, ..] = fields.as_slice()
    {
        return Ok((entry_id(id)?, text(record)?));
    }
    Err(unexpected(entry))
}

fn read_appended(reply: Value, room: RoomId, caller: &Caller, new: NewMessage, sent: &str) -> Result<Appended> {
    let items = array(reply)?;
    let [status, rest @ ..] = items.as_slice() else { return Err(Error::internal("an empty reply")) };
    match (text(status)?, rest) {
        ("stored", [id, Value::Int(joined)]) => {
            let message = stored(room, entry_id(id)?, caller, new);
            Ok(Appended { message, has_joined: *joined == 1, is_replay: false })
        }
        ("replay", [id, record]) => {
            // When the log has dropped the entry since, the retry says the same as the first try did.
            let record = if is_absent(record) { sent } else { text(record)? };
            let message = record::decode(room, entry_id(id)?, record)?;
            Ok(Appended { message, has_joined: false, is_replay: true })
        }
        ("conflict", []) => Err(Error::ClientIdReused),
        ("gone", []) => Err(Error::MessageNotFound),
        ("no_room", []) => Err(Error::RoomNotFound),
        ("no_reply", []) => Err(Error::Invalid(Field::ReplyTo)),
        ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
        _ => Err(unexpected(status)),
    }
}

fn stored(room: RoomId, entry: EntryId, caller: &Caller, new: NewMessage) -> Message {
    Message {
        id: MessageId { room, entry },
        sender: Sender { id: caller.id, name: caller.name.clone() },
        kind: new.kind,
        text: new.text.into_string(),
        attachment: new.attachment,
        reply_to: new.reply_to.map(|entry| MessageId { room, entry }),
        client_id: new.client_id.as_ref().and_then(|id| id.own()).map(str::to_owned),
        change: None,
    }
}

/// What must be equal for two sends with one client id to be the same message: everything but the
/// sender's name, which may change between the tries, and an upload's address, which does.
fn body_hash(message: &NewMessage) -> String {
    let file = message.attachment.as_ref();
    let url = file.filter(|file| !file.is_own_upload).map(|file| &file.url);
    let file = file.map(|file| (url, &file.name, file.size));
    let mut hasher = Sha256::new();
    hasher.update(format!("{:?}\0{:?}\0{file:?}\0", message.kind, message.reply_to));
    hasher.update(message.text.as_str());
    hasher.update(message.file_digest.unwrap_or_default());
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
