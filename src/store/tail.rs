//! Reads the tail of a room's log: what follows the last message that a reader has. Takes one round trip, unless that
//! message is no longer in the log.
//!
//! Redis may come back without its latest writes, after a failover or a restart, and what it stores then may have the
//! seqs of lost messages, at earlier or later times. So a message is recognised by seq and time together, and neither
//! "higher" nor "later" is taken for "new".

use redis::{Pipeline, Value};

use super::amendments::Outlines;
use super::history::read_entry;
use super::redis::keys::RoomKeys;
use super::redis::reply::{array, next};
use super::redis::scripts::{self, Arg, Call};
use super::{Store, receipts, record, rooms};
use crate::domain::{Amendments, EntryId, Error, ReadMark, Result, RoomId, Seq, Tail, TailQuery, Watermark};

/// What was read of a room: its state, entries from a seq on, amendments.
struct LogPart {
    state: rooms::State,
    entries: Vec<Value>,
    amendments: Amendments,
    read_marks: Vec<ReadMark>,
    /// Whether there may be more entries.
    is_cut: bool,
}

impl Store {
    /// Reads what follows the last known message, and whether that message still exists. When Redis has lost it, the tail
    /// holds what was stored since: what follows the newest known message that was kept.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn tail(&self, query: TailQuery<'_>) -> Result<Tail> {
        let after = query.known.last().copied().unwrap_or(EntryId::START);
        // One more than the limit, because the entry itself may come first.
        let part = self.read_log(&query, after.seq, query.limit.get() + 1).await?;
        let (first, last) = (part.first()?, part.state.watermark.last);
        let is_there = after.at_ms == 0 || first == Some(after) || (first.is_none() && last == after);
        if !is_there && self.has_lost(query.room, after, last).await? {
            return self.tail_of_rewound(&query, after).await;
        }
        let is_complete = match first {
            Some(first) if after.seq == Seq(0) || !is_there => {
                first.seq.0 == after.seq.0 + 1 && first.at_ms >= after.at_ms
            }
            Some(first) => first == after,
            None => last == after || (last.seq == after.seq && after.seq == Seq(0)),
        };
        let is_gapless = first.map_or(last.seq <= after.seq, |first| first.seq.0 <= after.seq.0 + 1);
        let mut tail = part.into_tail(query.room, self.oldest_ms(), |entry| entry.seq > after.seq)?;
        self.deleted_users.rename_in(&mut tail.messages);
        Ok(Tail { is_complete, is_gapless, ..tail })
    }

    /// Whether Redis has lost an entry that is not in the log. Otherwise retention has dropped it, and all before it.
    async fn has_lost(&self, room: RoomId, entry: EntryId, last: EntryId) -> Result<bool> {
        if last.seq < entry.seq {
            return Ok(true);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("XRANGE").arg(self.keys.room(room).log).arg("-").arg("+").arg("COUNT").arg(1);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let head = array(next(&mut replies)?)?;
        let head = head.first().map(read_entry).transpose()?;
        Ok(head.is_some_and(|(head, _)| head.seq <= entry.seq))
    }

    async fn tail_of_rewound(&self, query: &TailQuery<'_>, after: EntryId) -> Result<Tail> {
        let whole = usize::try_from(self.retention.max_messages).unwrap_or(usize::MAX);
        let part = self.read_log(query, Seq(0), whole.max(query.limit.get())).await?;
        let entries = part.ids()?;
        let kept = match query.known.iter().rev().find(|known| entries.contains(known)) {
            Some(kept) => *kept,
            // More was lost than the reader knows one by one. What is as far as the known messages is new for sure, and
            // what is later most likely is.
            None => {
                let reach = query.known.first().map_or(after.seq, |known| known.seq);
                let is_old = |entry: &&EntryId| entry.seq < reach && entry.at_ms <= after.at_ms;
                entries.iter().rev().find(is_old).copied().unwrap_or(EntryId::START)
            }
        };
        let mut tail = part.into_tail(query.room, self.oldest_ms(), |entry| entry.seq > kept.seq)?;
        self.deleted_users.rename_in(&mut tail.messages);
        Ok(Tail { is_complete: false, has_more: false, rewound_to: Some(kept), ..tail })
    }

    /// Reads up to `count` entries from a seq on.
    async fn read_log(&self, query: &TailQuery<'_>, from: Seq, count: usize) -> Result<LogPart> {
        let keys = self.keys.room(query.room);
        let pipeline = log_pipeline(&keys, from, count, query.marks_since_ms.is_some());
        let mut replies = self.run_sized(&pipeline, count).await?.into_iter();
        let state = rooms::State::read(query.room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let entries = array(next(&mut replies)?)?;
        let outlines = Outlines::read(&next(&mut replies)?, state.watermark.revision)?;
        let read_marks = match query.marks_since_ms {
            Some(since_ms) => receipts::marks_since(next(&mut replies)?, since_ms)?,
            None => Vec::new(),
        };
        let is_cut = entries.len() == count;
        let read_to = entries.last().map(|entry| read_entry(entry).map(|(id, _)| id.seq)).transpose()?;
        let is_wanted = |seq: Seq, at_ms| at_ms >= query.amended_since_ms || (seq >= from && Some(seq) <= read_to);
        let amendments = self.amendments(query.room, outlines, is_wanted).await?;
        Ok(LogPart { state, entries, amendments, read_marks, is_cut })
    }

    /// Makes a room's next seq higher than those of messages that were delivered and then lost, so that their ids never
    /// name other messages. `seen` is the last of them. Idempotent.
    pub async fn raise_seq(&self, room: RoomId, seen: EntryId) -> Result<()> {
        let keys = self.keys.room(room);
        let call = Call {
            script: &scripts::RAISE_SEQ,
            keys: &[&keys.room],
            args: &[Arg::Number(seen.seq.0), Arg::Number(seen.at_ms)],
        };
        self.connection.run_script(&call, &[]).await.map(drop)
    }
}

fn log_pipeline(keys: &RoomKeys, from: Seq, count: usize, with_marks: bool) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(4);
    rooms::read_state(&mut pipeline, &keys.room);
    pipeline.cmd("XRANGE").arg(&keys.log).arg(from.0).arg("+").arg("COUNT").arg(count);
    pipeline.cmd("HGETALL").arg(&keys.amendments);
    if with_marks {
        pipeline.cmd("HGETALL").arg(&keys.read);
    }
    pipeline
}

impl LogPart {
    fn first(&self) -> Result<Option<EntryId>> {
        self.entries.first().map(|entry| read_entry(entry).map(|(id, _)| id)).transpose()
    }

    fn ids(&self) -> Result<Vec<EntryId>> {
        self.entries.iter().map(|entry| read_entry(entry).map(|(id, _)| id)).collect()
    }

    /// The tail of the entries that are new.
    fn into_tail(self, room: RoomId, oldest_ms: u64, is_new: impl Fn(EntryId) -> bool) -> Result<Tail> {
        let (mut messages, mut entries) = (Vec::with_capacity(self.entries.len()), Vec::new());
        for entry in &self.entries {
            let (id, record) = read_entry(entry)?;
            if !is_new(id) {
                continue;
            }
            entries.push(id);
            if id.at_ms >= oldest_ms && !self.amendments.is_deleted(id.seq) {
                messages.push(record::decode(room, id, record)?);
            }
        }
        let read_last = self.entries.last().map(|entry| read_entry(entry).map(|(id, _)| id)).transpose()?;
        let last = match read_last {
            // The state is older than the entries, unless the seq was raised.
            Some(read) if self.is_cut || read.seq > self.state.watermark.last.seq => read,
            _ => self.state.watermark.last,
        };
        Ok(Tail {
            head: self.state.head,
            watermark: Watermark { last, ..self.state.watermark },
            is_complete: true,
            is_gapless: true,
            has_more: self.is_cut,
            rewound_to: None,
            messages: self.amendments.overlay(messages),
            entries,
            amendments: self.amendments.into_vec(),
            read_marks: self.read_marks,
        })
    }
}
