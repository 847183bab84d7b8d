//! Reads pages of a room's history. A page of up to 100 messages takes one round trip, a longer one some more.

use redis::{Pipeline, Value};

use super::amendments::Outlines;
use super::decoding::Decoding;
use super::redis::reply::{self, array, entry_id, is_absent, next, text, unexpected};
use super::rooms::State;
use super::{Store, record, rooms};
use crate::domain::{
    Caller, EntryId, Error, HistoryPage, HistoryQuery, Message, Receipts, RecentMessages, Result, RoomHead, RoomId,
    RoomKind, Runs, Selection, Seq, Span, Watermark,
};

/// Maximum number of entries that the first round trip of a page reads.
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
        self.admit_reader_of(&query, caller).await?;
        let mut reading = Reading::new(query, self.oldest_ms());
        let mut count = reading.selection.missing().min(FIRST_PIECE);
        let (standing, log) = self.open_history(&query, caller, count).await?;
        let Log { mut entries, outlines } = log;
        (reading.outlines, reading.until) = (outlines, standing.until);
        let mut decoding = Decoding::default();
        loop {
            let bytes = reading.add(&entries, &mut decoding).await?;
            self.long_rooms.note(query.room, bytes);
            if entries.len() < count || reading.selection.is_done() {
                break;
            }
            count = reading.next_count(count);
            entries = self.read_entries(query.room, reading.rest(), count).await?;
        }
        let Reading { selection, outlines, .. } = reading;
        let (total, is_cut) = (selection.total(), selection.is_cut());
        let (messages, has_grown) = self.amend_page(&query, &outlines, selection.into_messages()).await?;
        Ok(self.history_page(standing, messages, total, is_cut || has_grown))
    }

    /// The same page from messages that the node has cached and that cover it. Reads the room's state and what it has
    /// of the caller; `None` when the messages are of another state.
    ///
    /// # Errors
    /// As [`Self::history`].
    pub async fn history_of(
        &self,
        recent: &RecentMessages,
        query: HistoryQuery,
        caller: &Caller,
    ) -> Result<Option<HistoryPage>> {
        self.admit_reader_of(&query, caller).await?;
        let (standing, _) = self.open_history(&query, caller, 0).await?;
        if standing.state.watermark != recent.watermark() {
            return Ok(None);
        }
        let selection = recent.select(query, self.oldest_ms());
        let (total, is_cut) = (selection.total(), selection.is_cut());
        Ok(Some(self.history_page(standing, selection.into_messages(), total, is_cut)))
    }

    async fn admit_reader_of(&self, query: &HistoryQuery, caller: &Caller) -> Result<()> {
        if query.needs_no_membership { Ok(()) } else { self.admit_reader(query.room, caller.id).await }
    }

    fn history_page(&self, standing: Standing, mut messages: Vec<Message>, total: usize, is_cut: bool) -> HistoryPage {
        let Standing { state: State { head, watermark, .. }, is_member, read_state, receipts, .. } = standing;
        self.deleted_users.rename_in(&mut messages);
        let seqs = messages.iter().map(|message| message.id.entry.seq);
        let span = seqs.clone().min().zip(seqs.max());
        let unread = span.filter(|span| is_member && !read_state.covers(*span, self.receipt_members));
        HistoryPage { messages, is_cut, head, watermark, is_member, unread, total, receipts }
    }

    /// Reads the room's state, what it has of the caller, and the first `count` entries.
    async fn open_history(&self, query: &HistoryQuery, caller: &Caller, count: usize) -> Result<(Standing, Log)> {
        let room = query.room;
        let pipeline = self.history_pipeline(query, caller, count);
        let mut replies = self.run_page(room, &pipeline, count).await?.into_iter();
        let mut state = State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let is_member = !is_absent(&next(&mut replies)?);
        let is_open = state.head.kind == RoomKind::Public || query.needs_no_membership;
        if !is_open && !is_member {
            self.readers.forget(room, caller.id);
            return Err(Error::RoomNotFound);
        }
        let received = self.last_received(room, &state).await?;
        let until = (received != state.watermark.last).then_some(received.seq);
        state.watermark.last = received;
        let log = match count {
            0 => Log::default(),
            _ => Log {
                entries: array(next(&mut replies)?)?,
                outlines: Outlines::read(&next(&mut replies)?, state.watermark.revision)?,
            },
        };
        let read_state = ReadState::read(room, &mut replies)?;
        let receipts = match query.with_receipts {
            true => self.receipts(room, &state.bots, &mut replies)?,
            false => Receipts::default(),
        };
        Ok((Standing { state, until, is_member, read_state, receipts }, log))
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
        if count > 0 {
            ask_entries(&mut pipeline, &keys.log, query.span, count);
            pipeline.cmd("HGETALL").arg(&keys.amendments);
        }
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

    /// Whether all messages of a page were read, and not marked as unread since. In rooms too large for receipts only the
    /// last message read is recorded, so older runs do not count.
    fn covers(&self, (first, last): (Seq, Seq), receipt_members: u64) -> bool {
        let is_below_highest = self.highest.is_some_and(|highest| highest >= last.0 as f64);
        let has_runs = || self.runs.as_deref().is_some_and(|runs| Runs::parse(runs).cover(first, last));
        is_below_highest && (self.members > receipt_members || has_runs())
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

/// The state of a room and what it has of the caller.
struct Standing {
    state: State,
    /// The last message to show, when replicas lack later ones.
    until: Option<Seq>,
    is_member: bool,
    read_state: ReadState,
    receipts: Receipts,
}

/// What the first round trip of a page reads of the log.
#[derive(Default)]
struct Log {
    entries: Vec<Value>,
    outlines: Outlines,
}

/// A page that is read in pieces.
struct Reading {
    selection: Selection,
    room: RoomId,
    span: Span,
    outlines: Outlines,
    /// The last message to select.
    until: Option<Seq>,
    /// The last entry read, and the mean size of a record in its piece.
    last: Seq,
    mean_bytes: usize,
}

impl Reading {
    fn new(query: HistoryQuery, oldest_ms: u64) -> Self {
        Self {
            selection: Selection::new(query, oldest_ms),
            room: query.room,
            span: query.span,
            outlines: Outlines::default(),
            until: None,
            last: Seq(0),
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
            let is_hidden = self.outlines.is_deleted(id.seq) || self.until.is_some_and(|until| id.seq > until);
            if !is_hidden && self.selection.takes(id.at_ms, record::is_from_server(record)) {
                self.selection.put(record::decode(self.room, id, record)?);
                decoding.has_decoded(record.len()).await;
            }
        }
        self.mean_bytes = bytes.div_ceil(entries.len().max(1));
        Ok(bytes)
    }

    /// The part of the span that is not read yet.
    fn rest(&self) -> Span {
        match self.span {
            Span::Latest | Span::Before(_) => Span::Before(self.last),
            Span::After(_) => Span::After(self.last),
        }
    }

    /// How many entries to read next, after `count`. Grows slowly, because the next ones may be larger.
    fn next_count(&self, count: usize) -> usize {
        let fitting = PIECE_BYTES / self.mean_bytes.max(1);
        fitting.clamp(LEAST_PIECE, (2 * count).max(LEAST_PIECE)).min(self.selection.missing().max(FIRST_PIECE))
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
