//! Reads pages of a room's history. A page of up to 100 messages takes one round trip, a longer one some more.

use redis::{Pipeline, Value};

use super::decoding::Decoding;
use super::redis::reply::{self, array, entry_id, is_absent, next, text, unexpected};
use super::rooms::State;
use super::{Store, amendments, record, rooms};
use crate::domain::{
    Amendments, Caller, EntryId, Error, HistoryPage, HistoryQuery, Message, Receipts, Result, RoomHead, RoomId,
    RoomKind, Runs, Seq, Span, Watermark,
};

/// Most entries that the first round trip of a page reads.
const FIRST_PIECE: usize = 100;
/// Fewest entries that a later one reads.
const LEAST_PIECE: usize = 25;
/// Bytes of records that a later round trip is meant to read.
const PIECE_BYTES: usize = 1024 * 1024;

impl Store {
    /// Reads a page of a room's history with the room's state. Skips deleted and expired messages and fills the page past
    /// them. A long page is read in pieces, so that neither Redis nor the worker is busy with it for long.
    ///
    /// # Errors
    /// `RoomNotFound` also for rooms that the caller may not know of.
    pub async fn history(&self, query: HistoryQuery, caller: &Caller) -> Result<HistoryPage> {
        self.admit_reader(query.room, caller.id).await?;
        let wanted = if query.with_total { usize::MAX } else { query.skip.saturating_add(query.limit.get()) };
        let mut count = wanted.min(FIRST_PIECE);
        let Opening { state, until, is_member, mut entries, amendments, read_state, receipts } =
            self.open_history(&query, caller, count).await?;
        let mut decoding = Decoding::default();
        let mut selection = Selection { until, ..Selection::new(query, amendments, self.oldest_ms()) };
        loop {
            let bytes = selection.add(&entries, &mut decoding).await?;
            self.long_rooms.note(query.room, bytes);
            if entries.len() < count || selection.is_done() {
                break;
            }
            count = selection.next_count(count);
            entries = self.read_entries(query.room, selection.rest(), count).await?;
        }
        let Selection { messages, total, is_cut, amendments, .. } = selection;
        let mut messages = amendments.overlay(messages);
        self.deleted_users.rename_in(&mut messages);
        let seqs = messages.iter().map(|message| message.id.entry.seq);
        let span = seqs.clone().min().zip(seqs.max());
        let unread = span.filter(|span| is_member && !read_state.covers(*span, self.receipt_members));
        let State { head, watermark, .. } = state;
        Ok(HistoryPage { messages, is_cut, head, watermark, is_member, unread, total, receipts })
    }

    /// Reads the room's state, what it has of the caller, and the first `count` entries.
    async fn open_history(&self, query: &HistoryQuery, caller: &Caller, count: usize) -> Result<Opening> {
        let room = query.room;
        let pipeline = self.history_pipeline(query, caller, count);
        let mut replies = self.run_page(room, &pipeline, count).await?.into_iter();
        let mut state = State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let is_member = !is_absent(&next(&mut replies)?);
        if state.head.kind != RoomKind::Public && !is_member {
            self.readers.forget(room, caller.id);
            return Err(Error::RoomNotFound);
        }
        let entries = array(next(&mut replies)?)?;
        let received = self.last_received(room, &state).await?;
        let until = (received != state.watermark.last).then_some(received.seq);
        state.watermark.last = received;
        let amendments = amendments::read(&next(&mut replies)?, state.watermark.revision)?;
        let read_state = ReadState::read(room, &mut replies)?;
        let receipts = match query.with_receipts {
            true => self.receipts(room, &mut replies)?,
            false => Receipts::default(),
        };
        Ok(Opening { state, until, is_member, entries, amendments, read_state, receipts })
    }

    async fn read_entries(&self, room: RoomId, span: Span, count: usize) -> Result<Vec<Value>> {
        let mut pipeline = Pipeline::with_capacity(1);
        ask_entries(&mut pipeline, &self.keys.room(room).log, span, count);
        array(next(&mut self.run_page(room, &pipeline, count).await?.into_iter())?)
    }

    fn history_pipeline(&self, query: &HistoryQuery, caller: &Caller, count: usize) -> Pipeline {
        let room = query.room;
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(10);
        // The state comes first, so that a page is never older than its watermark.
        rooms::read_state(&mut pipeline, &keys.room);
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(caller.id.0);
        ask_entries(&mut pipeline, &keys.log, query.span, count);
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
        let state = State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
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

/// Adds the command that reads the first `count` entries of a span.
fn ask_entries(pipeline: &mut Pipeline, log: &str, span: Span, count: usize) {
    match span {
        Span::Latest => pipeline.cmd("XREVRANGE").arg(log).arg("+").arg("-"),
        Span::Before(Seq(0 | 1)) => pipeline.cmd("XREVRANGE").arg(log).arg("0-0").arg("0-0"),
        Span::Before(seq) => pipeline.cmd("XREVRANGE").arg(log).arg(seq.0 - 1).arg("-"),
        Span::After(seq) => pipeline.cmd("XRANGE").arg(log).arg(seq.0.saturating_add(1)).arg("+"),
    };
    pipeline.arg("COUNT").arg(count);
}

/// What the first round trip of a page reads.
struct Opening {
    state: State,
    /// The last message to show, when replicas lack later ones.
    until: Option<Seq>,
    is_member: bool,
    entries: Vec<Value>,
    amendments: Amendments,
    read_state: ReadState,
    receipts: Receipts,
}

/// The messages of a page, selected from the pieces in which its entries are read.
struct Selection {
    query: HistoryQuery,
    amendments: Amendments,
    oldest_ms: u64,
    /// The last message to select.
    until: Option<Seq>,
    messages: Vec<Message>,
    /// Entries so far that all pages list.
    total: usize,
    /// As [`Message::printed_bytes`] counts them.
    bytes: usize,
    is_cut: bool,
    /// The last entry read, and the mean size of a record in its piece.
    last: Seq,
    mean_bytes: usize,
}

impl Selection {
    fn new(query: HistoryQuery, amendments: Amendments, oldest_ms: u64) -> Self {
        let (messages, last) = (Vec::new(), Seq(0));
        Self {
            query,
            amendments,
            oldest_ms,
            until: None,
            messages,
            total: 0,
            bytes: 0,
            is_cut: false,
            last,
            mean_bytes: 0,
        }
    }

    /// Selects from a piece. Returns its size in bytes.
    async fn add(&mut self, entries: &[Value], decoding: &mut Decoding) -> Result<usize> {
        let mut bytes = 0;
        for entry in entries {
            let (id, record) = read_entry(entry)?;
            self.last = id.seq;
            bytes += record.len();
            let is_hidden = self.amendments.is_deleted(id.seq)
                || id.at_ms < self.oldest_ms
                || self.until.is_some_and(|until| id.seq > until)
                || (!self.query.include_system && record::is_from_server(record));
            if is_hidden {
                continue;
            }
            self.total += 1;
            if self.total > self.query.skip && !self.is_full() {
                self.put(record::decode(self.query.room, id, record)?);
                decoding.has_decoded(record.len()).await;
            }
        }
        self.mean_bytes = bytes.div_ceil(entries.len().max(1));
        Ok(bytes)
    }

    fn put(&mut self, message: Message) {
        if let Some(max_bytes) = self.query.max_bytes {
            self.bytes += message.printed_bytes();
            if self.bytes > max_bytes && !self.messages.is_empty() {
                self.is_cut = true;
                return;
            }
        }
        self.messages.push(message);
    }

    fn is_full(&self) -> bool {
        self.is_cut || self.messages.len() >= self.query.limit.get()
    }

    /// Whether further entries change nothing.
    fn is_done(&self) -> bool {
        self.is_full() && !self.query.with_total
    }

    /// The part of the span that is not read yet.
    fn rest(&self) -> Span {
        match self.query.span {
            Span::Latest | Span::Before(_) => Span::Before(self.last),
            Span::After(_) => Span::After(self.last),
        }
    }

    /// How many entries to read next, after `count`. Grows slowly, because the next ones may be larger.
    fn next_count(&self, count: usize) -> usize {
        let missing = self.query.skip.saturating_add(self.query.limit.get()).saturating_sub(self.total);
        let missing = if self.query.with_total { usize::MAX } else { missing.max(FIRST_PIECE) };
        let fitting = PIECE_BYTES / self.mean_bytes.max(1);
        fitting.clamp(LEAST_PIECE, (2 * count).max(LEAST_PIECE)).min(missing)
    }
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
