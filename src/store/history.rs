//! Reads pages of a room's history. Each takes one round trip.

use redis::{Pipeline, Value};

use super::received::end_at;
use super::redis::reply::{self, array, entry_id, is_absent, next, text, unexpected};
use super::{Store, amendments, record, rooms};
use crate::domain::{
    Amendments, Caller, EntryId, Error, HistoryPage, HistoryQuery, Message, Receipts, Result, RoomHead, RoomId,
    RoomKind, Runs, Seq, Span, Watermark,
};

impl Store {
    /// Reads a page of a room's history with the room's state. Skips deleted and expired messages and fills the page past
    /// them.
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
        // Skipped entries left the page short: read again, over all that a room can hold.
        Ok(self.read_history(query, caller, whole).await?.0)
    }

    /// Reads a page from up to `count` entries. Returns also whether there are no further entries.
    async fn read_history(&self, query: HistoryQuery, caller: &Caller, count: usize) -> Result<(HistoryPage, bool)> {
        let room = query.room;
        let pipeline = self.history_pipeline(&query, caller, count);
        let mut replies = self.run_sized(&pipeline, count).await?.into_iter();
        let mut state = rooms::State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let is_member = !is_absent(&next(&mut replies)?);
        if state.head.kind != RoomKind::Public && !is_member {
            return Err(Error::RoomNotFound);
        }
        let mut entries = array(next(&mut replies)?)?;
        let is_exhausted = entries.len() < count;
        let received = self.last_received(room, &state).await?;
        if received != state.watermark.last {
            entries = end_at(received, entries)?;
            state.watermark.last = received;
        }
        let amendments = amendments::read(&next(&mut replies)?, state.watermark.revision)?;
        let read_state = ReadState::read(room, &mut replies)?;
        let receipts = match query.with_receipts {
            true => self.receipts(room, &mut replies)?,
            false => Receipts::default(),
        };
        let (messages, total) = shown(&query, &entries, &amendments, self.oldest_ms())?;
        let seqs = messages.iter().map(|message| message.id.entry.seq);
        let span = seqs.clone().min().zip(seqs.max());
        let unread = span.filter(|span| is_member && !read_state.covers(*span, self.receipt_members));
        let page =
            HistoryPage { messages, head: state.head, watermark: state.watermark, is_member, unread, total, receipts };
        Ok((page, is_exhausted))
    }

    fn history_pipeline(&self, query: &HistoryQuery, caller: &Caller, count: usize) -> Pipeline {
        let room = query.room;
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(10);
        // The state comes first, so that a page is never older than its watermark.
        rooms::read_state(&mut pipeline, &keys.room);
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(caller.id.0);
        match query.span {
            Span::Latest => pipeline.cmd("XREVRANGE").arg(&keys.log).arg("+").arg("-"),
            Span::Before(Seq(0 | 1)) => pipeline.cmd("XREVRANGE").arg(&keys.log).arg("0-0").arg("0-0"),
            Span::Before(seq) => pipeline.cmd("XREVRANGE").arg(&keys.log).arg(seq.0 - 1).arg("-"),
            Span::After(seq) => pipeline.cmd("XRANGE").arg(&keys.log).arg(seq.0.saturating_add(1)).arg("+"),
        };
        pipeline.arg("COUNT").arg(count);
        pipeline.cmd("HGETALL").arg(&keys.amendments);
        pipeline.cmd("ZSCORE").arg(self.keys.read_cursors(caller.id)).arg(room.number());
        if room != RoomId::GLOBAL {
            pipeline.cmd("HGET").arg(&keys.read).arg(caller.id.0);
            pipeline.cmd("ZCARD").arg(&keys.members);
        }
        if query.with_receipts {
            self.read_receipts(&mut pipeline, &keys);
        }
        pipeline
    }

    /// Reads a room's head, and its watermark as far as replicas have received it.
    ///
    /// # Errors
    /// `RoomNotFound`. Does not check access.
    pub async fn room_state(&self, room: RoomId) -> Result<(RoomHead, Watermark)> {
        let mut pipeline = Pipeline::with_capacity(1);
        rooms::read_state(&mut pipeline, &self.keys.room(room).room);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let state = rooms::State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let last = self.last_received(room, &state).await?;
        Ok((state.head, Watermark { last, ..state.watermark }))
    }
}

/// What the caller has read in a room so far.
struct ReadState {
    highest: Option<f64>,
    runs: Option<String>,
    members: u64,
}

impl ReadState {
    fn read(room: RoomId, replies: &mut impl Iterator<Item = Value>) -> Result<Self> {
        let highest = reply::read(next(replies)?)?;
        let (runs, members) = match room {
            RoomId::GLOBAL => (None, u64::MAX),
            _ => (reply::read(next(replies)?)?, reply::read(next(replies)?)?),
        };
        Ok(Self { highest, runs, members })
    }

    /// Whether all messages of a page were read. In rooms too large for receipts only the last message read is recorded, so
    /// older runs do not count.
    fn covers(&self, (first, last): (Seq, Seq), receipt_members: u64) -> bool {
        match self.members > receipt_members {
            true => self.highest.is_some_and(|highest| highest >= last.0 as f64),
            false => self.runs.as_deref().is_some_and(|runs| Runs::parse(runs).cover(first, last)),
        }
    }
}

/// Selects the messages of a page from its entries. Returns also the number of entries that all pages list.
fn shown(
    query: &HistoryQuery,
    entries: &[Value],
    amendments: &Amendments,
    oldest_ms: u64,
) -> Result<(Vec<Message>, usize)> {
    let mut messages = Vec::with_capacity(query.limit.get().min(entries.len()));
    let mut total = 0;
    for entry in entries {
        let (id, record) = read_entry(entry)?;
        let is_hidden = amendments.is_deleted(id.seq)
            || id.at_ms < oldest_ms
            || (!query.include_system && record::is_from_server(record));
        if is_hidden {
            continue;
        }
        total += 1;
        if total > query.skip && messages.len() < query.limit.get() {
            messages.push(record::decode(query.room, id, record)?);
        }
    }
    Ok((amendments.overlay(messages), total))
}

/// Reads the id and the record of a stream entry.
pub(super) fn read_entry(entry: &Value) -> Result<(EntryId, &str)> {
    if let Value::Array(parts) = entry
        && let [id, Value::Array(fields)] = parts.as_slice()
        && let [_, record, ..] = fields.as_slice()
    {
        return Ok((entry_id(id)?, text(record)?));
    }
    Err(unexpected(entry))
}
