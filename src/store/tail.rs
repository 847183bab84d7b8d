//! Reads the tail of a room's log: what follows a message.

use redis::Pipeline;

use super::history::read_entry;
use super::redis::reply::{array, next};
use super::{Store, amendments, record, rooms};
use crate::domain::{EntryId, Error, Limit, Result, RoomId, Seq, Tail, Watermark};

impl Store {
    /// Reads up to `limit` entries after an entry, and whether that entry still exists. When Redis has lost its latest
    /// writes, the seq may be missing or reused; then the tail holds the messages stored since.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn tail(&self, room: RoomId, after: EntryId, limit: Limit) -> Result<Tail> {
        let (tail, is_rewound) = self.read_tail(room, after, limit.get()).await?;
        if !is_rewound {
            return Ok(tail);
        }
        // How many messages were lost is unknown, but those stored since have later times.
        let whole = usize::try_from(self.retention.max_messages).unwrap_or(usize::MAX - 1);
        let (mut tail, _) = self.read_tail(room, EntryId { seq: Seq(0), at_ms: 0 }, whole).await?;
        tail.messages.retain(|message| message.id.entry.at_ms > after.at_ms);
        Ok(Tail { is_complete: false, ..tail })
    }

    /// Reads up to `limit` entries after `after`. Returns also whether the log was rewound to before `after`.
    async fn read_tail(&self, room: RoomId, after: EntryId, limit: usize) -> Result<(Tail, bool)> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(3);
        rooms::read_state(&mut pipeline, &keys.room);
        // One more than the limit, because the entry itself may come first.
        let count = limit + 1;
        pipeline.cmd("XRANGE").arg(&keys.log).arg(after.seq.0).arg("+").arg("COUNT").arg(count);
        pipeline.cmd("HGETALL").arg(&keys.amendments);
        let mut replies = self.run_sized(&pipeline, count).await?.into_iter();
        let state = rooms::State::read(room, next(&mut replies)?)?.ok_or(Error::RoomNotFound)?;
        let entries = array(next(&mut replies)?)?;
        let amendments = amendments::read(&next(&mut replies)?, state.watermark.revision)?;
        let oldest_ms = self.oldest_ms();
        let has_more = entries.len() == count;
        let mut messages = Vec::with_capacity(entries.len());
        let (mut first, mut last) = (None, state.watermark.last);
        for entry in &entries {
            let (id, record) = read_entry(entry)?;
            first.get_or_insert(id);
            last = id;
            // A reused seq has a later time.
            let is_behind = id.seq > after.seq || id.at_ms > after.at_ms;
            if is_behind && id.at_ms >= oldest_ms && !amendments.is_deleted(id.seq) {
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
        let tail = Tail {
            head: state.head,
            watermark: Watermark { last, ..state.watermark },
            is_complete,
            is_gapless,
            has_more,
            messages: amendments.overlay(messages),
            amendments: amendments.into_vec(),
        };
        Ok((tail, is_rewound))
    }
}
