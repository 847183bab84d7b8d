//! Receipts: which members have received and read which messages.

use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::Store;
use super::redis::keys::RoomKeys;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Caller, Error, ReadMark, Receipts, Result, RoomId, Runs, Seq, UserId};

/// Maximum number of read marks that are read at once to repair what pub/sub has lost.
const MAX_MARKS: usize = 500;

/// A run of messages to mark as read.
#[derive(Clone, Copy, Debug)]
pub struct ReadRange {
    /// The room.
    pub room: RoomId,
    /// The first message, or `None` for all messages that the user has received.
    pub first: Option<Seq>,
    /// The last message.
    pub last: Seq,
}

impl Store {
    /// Records that users have received the messages from `first` to `last` of a room. Returns whether the room is small
    /// enough for receipts; `global` never is.
    pub async fn mark_delivered(&self, room: RoomId, first: Seq, last: Seq, users: &[UserId]) -> Result<bool> {
        if room == RoomId::GLOBAL {
            return Ok(false);
        }
        let keys = self.keys.room(room);
        let mut args = vec![
            Arg::Number(first.0),
            Arg::Number(last.0),
            Arg::Number(self.receipt_members),
            Arg::Number(self.retention.max_messages),
            Arg::Number(self.retention.max_age_ms),
        ];
        args.extend(users.iter().map(|user| Arg::Number(user.0)));
        let call = Call { script: &scripts::MARK_DELIVERED, keys: &[&keys.members, &keys.delivered], args: &args };
        let (reply, _) = self.connection.run_script(&call, &[]).await?;
        Ok(matches!(reply, Value::Int(1)))
    }

    /// Records and announces that a member has read messages, and records the last one for the member's conversations. In
    /// `global` and in rooms too large for receipts, does only the latter.
    ///
    /// # Errors
    /// `RoomNotFound` when the user is not a member.
    pub async fn mark_read(&self, user: UserId, range: ReadRange) -> Result<()> {
        let read_cursors = self.keys.read_cursors(user);
        let mut highest = redis::cmd("ZADD");
        highest.arg(&read_cursors).arg("GT").arg(range.last.0).arg(range.room.number());
        let mut expire = redis::cmd("PEXPIRE");
        expire.arg(&read_cursors).arg(self.retention.max_age_ms);
        if range.room == RoomId::GLOBAL {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.add_command(highest).add_command(expire);
            self.connection.run(&pipeline).await?;
            return Ok(());
        }
        let keys = self.keys.room(range.room);
        let call = Call {
            script: &scripts::MARK_READ,
            keys: &[&keys.room, &keys.members, &keys.delivered, &keys.read, &keys.live],
            args: &[
                Arg::Number(user.0),
                Arg::Number(range.first.map_or(0, |seq| seq.0)),
                Arg::Number(range.last.0),
                Arg::Number(self.receipt_members),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
            ],
        };
        let (reply, _) = self.connection.run_script(&call, &[highest, expire]).await?;
        if reply::is_absent(&reply) { Err(Error::RoomNotFound) } else { Ok(()) }
    }

    /// Lowers what a user has read in a room to before a message, for the user's conversations. Receipts stay as they are.
    pub async fn mark_unread(&self, user: UserId, room: RoomId, first: Seq) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        let lowering = pipeline.cmd("ZADD").arg(self.keys.read_cursors(user)).arg(&["XX", "LT"]);
        lowering.arg(first.previous().0).arg(room.number());
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    /// Announces to a room of at most `max_members` that a member is typing.
    ///
    /// # Errors
    /// `RoomNotFound` when the caller is not a member.
    pub async fn announce_typing(&self, room: RoomId, caller: &Caller, max_members: u64) -> Result<()> {
        let keys = self.keys.room(room);
        let call = Call {
            script: &scripts::ANNOUNCE_TYPING,
            keys: &[&keys.room, &keys.members, &keys.live],
            args: &[Arg::Number(caller.id.0), Arg::Text(&caller.name), Arg::Number(max_members)],
        };
        let (reply, _) = self.connection.run_script(&call, &[]).await?;
        if matches!(reply, Value::Int(1)) { Ok(()) } else { Err(Error::RoomNotFound) }
    }

    /// Adds the commands whose replies [`Self::receipts`] reads.
    pub(super) fn read_receipts(&self, pipeline: &mut Pipeline, keys: &RoomKeys) {
        pipeline.cmd("ZRANGE").arg(&keys.members).arg(0).arg(self.receipt_members).arg("WITHSCORES");
        pipeline.cmd("HGETALL").arg(&keys.read);
        pipeline.cmd("HGETALL").arg(&keys.delivered);
    }

    /// Reads the receipts of a room without those of `bots`, who read nothing; empty in `global` and in rooms too large for receipts.
    pub(super) fn receipts(
        &self,
        room: RoomId,
        bots: &[UserId],
        replies: &mut impl Iterator<Item = Value>,
    ) -> Result<Receipts> {
        let members: Vec<(u64, f64)> = reply::read(next(replies)?)?;
        let read = runs(next(replies)?)?;
        let delivered = runs(next(replies)?)?;
        if room == RoomId::GLOBAL || members.len() as u64 > self.receipt_members {
            return Ok(Receipts::default());
        }
        let members = members.into_iter().map(|(user, joined_at_ms)| (UserId(user), joined_at_ms as u64));
        let members = members.filter(|(user, _)| !bots.contains(user)).collect();
        Ok(Receipts { members, read, delivered })
    }
}

/// Reads what users have read since a time: the newest [`MAX_MARKS`], in the order of reading.
pub(super) fn marks_since(reply: Value, since_ms: u64) -> Result<Vec<ReadMark>> {
    let mut marks = Vec::new();
    for (user, runs) in runs(reply)? {
        marks.extend(runs.since(since_ms).map(|(first, last, at_ms)| ReadMark { user, first, last, at_ms }));
    }
    marks.sort_unstable_by_key(|mark| (mark.at_ms, mark.user, mark.first));
    Ok(marks.split_off(marks.len().saturating_sub(MAX_MARKS)))
}

fn runs(reply: Value) -> Result<HashMap<UserId, Runs>> {
    let texts: HashMap<u64, String> = reply::read(reply)?;
    Ok(texts.into_iter().map(|(user, text)| (UserId(user), Runs::parse(&text))).collect())
}
