//! What replicas have received of a room, where writes wait for them. Readers that continue behind what they were shown
//! must not be shown what a failover may lose: they would miss the messages that take its seqs.

use redis::Pipeline;

use super::Store;
use super::history::read_entry;
use super::redis::reply::{array, next};
use super::rooms::State;
use crate::domain::{EntryId, Result, RoomId, Seq};

impl Store {
    /// Whether writes wait for replicas.
    pub fn waits_for_replicas(&self) -> bool {
        self.writer.waits_for_replicas()
    }

    /// The last entry of a room, read in this state, that replicas have received. Waits for them if it was not announced
    /// yet; when they lack something, this takes one more round trip.
    pub(super) async fn last_received(&self, room: RoomId, state: &State) -> Result<EntryId> {
        let (announced, last) = (state.announced.unwrap_or(Seq(0)), state.watermark.last);
        if announced >= last.seq {
            return Ok(last);
        }
        let Some(until_ms) = self.writer.received_until(&self.keys.room(room).room, last.at_ms).await else {
            return Ok(last);
        };
        let whole = self.retention.max_messages.min(last.seq.0 - announced.0 + 1);
        let count = usize::try_from(whole).unwrap_or(usize::MAX);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("XREVRANGE").arg(self.keys.room(room).log).arg("+").arg("-").arg("COUNT").arg(count);
        let mut replies = self.run_sized(&pipeline, count).await?.into_iter();
        for entry in array(next(&mut replies)?)? {
            let (id, _) = read_entry(&entry)?;
            if id.seq <= announced || id.at_ms <= until_ms {
                return Ok(id);
            }
        }
        Ok(EntryId::START)
    }
}
