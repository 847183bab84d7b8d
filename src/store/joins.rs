//! Joins: users who are about to become members. Recorded before the room is changed, so that a change that ends
//! half-way can be found and finished; the top of `room_list.rs` says how.

use redis::{Cmd, Pipeline, Value};
use tracing::debug;

use super::Store;
use super::redis::reply::{self, array, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::stored::{RoomEntry, kind_of};
use crate::domain::{Error, Result, RoomId, RoomKind, Seq, UserId};

/// Age from which a join that is not announced counts as left behind by a node that failed.
const ABANDONED_AFTER_MS: u64 = 30 * 1000;
/// Joins that are announced at once for other nodes.
const ABANDONED_AT_ONCE: usize = 200;

/// A user who is about to become a member of a room.
pub(super) struct Join {
    /// To be sent before the command that makes the user a member.
    pub(super) entering: Cmd,
    /// Whether the user is no person, but an application or a webhook.
    pub(super) is_bot: bool,
    room: RoomId,
    user: UserId,
    /// The user's record: `room:attempt`.
    note: String,
    /// The entry of the joins: `room:user:attempt`.
    entry: String,
}

impl Store {
    /// Begins to make a user a member of a room: one round trip, which reserves a place in the user's list of rooms.
    ///
    /// # Errors
    /// `TooManyRooms`; `RateLimited` when the user creates the room and has created too many today.
    pub(super) async fn begin_join(&self, room: RoomId, user: UserId, makes: bool) -> Result<Join> {
        let attempt = fastrand::u64(..);
        let note = format!("{}:{attempt:x}", room.number());
        let entry = format!("{}:{user}:{attempt:x}", room.number());
        let at_ms = self.now_ms();
        let (list, pending, made) =
            (self.keys.user_rooms(user), self.keys.pending_rooms(user), self.keys.rooms_made(user));
        let call = Call {
            script: &scripts::RESERVE_ROOM,
            keys: &[&list, &pending, &made, &self.keys.user(user)],
            args: &[
                Arg::Number(room.number().into()),
                Arg::Text(&note),
                Arg::Number(at_ms),
                Arg::Number(self.room_limits.most_listed()),
                Arg::Number(if makes { self.room_limits.made_daily } else { 0 }),
            ],
        };
        let reply = array(self.connection.run_script(&call, &[]).await?.0)?;
        match (reply.first().map(text).transpose()?, reply.as_slice()) {
            (Some("full"), _) => return Err(Error::TooManyRooms),
            (Some("limited"), [_, Value::Int(wait_ms)]) => return Err(reply::limited(*wait_ms)),
            _ => {}
        }
        let is_bot = matches!(reply.as_slice(), [_, Value::Int(1)]);
        let mut entering = redis::cmd("ZADD");
        entering.arg(self.keys.joins()).arg(at_ms).arg(&entry);
        Ok(Join { entering, is_bot, room, user, note, entry })
    }

    /// Begins the joins of all these users, or of none. The room counts for `maker`.
    pub(super) async fn begin_joins(&self, room: RoomId, users: &[UserId], maker: Option<UserId>) -> Result<Vec<Join>> {
        let mut joins = Vec::with_capacity(users.len());
        for user in users {
            match self.begin_join(room, *user, maker == Some(*user)).await {
                Ok(join) => joins.push(join),
                Err(error) => {
                    self.abandon_joins(&joins, &Error::RoomNotFound).await;
                    return Err(error);
                }
            }
        }
        Ok(joins)
    }

    /// Removes joins that ended with an error.
    pub(super) async fn abandon_joins(&self, joins: &[Join], error: &Error) {
        for join in joins {
            self.abandon_join(join, error).await;
        }
    }

    /// Adds the commands that end a join, behind its announcement. The room itself stays recorded, without the attempt.
    pub(super) fn end_join(&self, pipeline: &mut Pipeline, join: &Join) {
        let pending = self.keys.pending_rooms(join.user);
        pipeline.cmd("ZADD").arg(&pending).arg("GT").arg(self.now_ms()).arg(join.room.number());
        self.forget_join(pipeline, join);
    }

    /// Adds the commands that end a join without a record of the room.
    pub(super) fn forget_join(&self, pipeline: &mut Pipeline, join: &Join) {
        pipeline.cmd("ZREM").arg(self.keys.pending_rooms(join.user)).arg(&join.note);
        pipeline.cmd("ZREM").arg(self.keys.joins()).arg(&join.entry);
    }

    /// Removes a join that ended with an error, if the error means that nothing was changed. Best effort: housekeeping
    /// and the next reading of the list forget it as well.
    pub(super) async fn abandon_join(&self, join: &Join, error: &Error) {
        if matches!(error, Error::Unavailable(_) | Error::StorageFull | Error::Internal(_)) {
            return; // the user may be a member all the same
        }
        let mut pipeline = Pipeline::with_capacity(2);
        self.forget_join(&mut pipeline, join);
        if let Err(error) = self.connection.run(&pipeline).await {
            debug!(room.id = %join.room, user.id = %join.user, %error, "could not forget a refused join");
        }
    }

    /// Announces joins for nodes that failed before they did. Each node calls it once a minute.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn finish_joins(&self) -> Result<()> {
        loop {
            let mut pipeline = Pipeline::with_capacity(1);
            let until_ms = self.now_ms().saturating_sub(ABANDONED_AFTER_MS);
            pipeline.cmd("ZRANGE").arg(self.keys.joins()).arg("-inf").arg(until_ms);
            pipeline.arg(&["BYSCORE", "LIMIT", "0"]).arg(ABANDONED_AT_ONCE);
            let attempts: Vec<String> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
            if attempts.is_empty() {
                return Ok(());
            }
            self.finish_attempts(&attempts).await?;
        }
    }

    async fn finish_attempts(&self, attempts: &[String]) -> Result<()> {
        let parsed: Vec<(RoomId, UserId)> = attempts.iter().filter_map(|attempt| parse_attempt(attempt)).collect();
        let mut pipeline = Pipeline::with_capacity(parsed.len());
        for (room, user) in &parsed {
            let keys = self.keys.room(*room);
            let call = Call {
                script: &scripts::MEMBER_SINCE,
                keys: &[&keys.room, &keys.log, &keys.members],
                args: &[Arg::Number(user.0)],
            };
            pipeline.add_command(call.by_hash());
        }
        let replies = self.connection.run(&pipeline).await?;
        let mut pipeline = Pipeline::with_capacity(3 * replies.len());
        for ((room, user), reply) in parsed.iter().zip(replies) {
            if is_absent(&reply) {
                continue;
            }
            let (kind, since): (String, u64) = reply::read(reply)?;
            let entry = RoomEntry { room: *room, kind: kind_of(&kind)?, other: None };
            self.repair_listing(entry).await?;
            if entry.kind != RoomKind::Direct {
                self.note_joined(&mut pipeline, entry, *user, Seq(since));
            }
        }
        let mut ending = Pipeline::with_capacity(1);
        ending.cmd("ZREM").arg(self.keys.joins()).arg(attempts);
        self.connection.run_in_order(pipeline, &ending).await?;
        Ok(())
    }
}

/// The room of a record, `room` or `room:attempt`.
pub(super) fn pending_room(note: &str) -> Option<RoomId> {
    RoomId::new(note.split(':').next()?.parse().ok()?)
}

/// Parses an entry of the joins, `room:user:attempt`.
fn parse_attempt(attempt: &str) -> Option<(RoomId, UserId)> {
    let mut parts = attempt.split(':');
    let (room, user) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((RoomId::new(room)?, UserId(user)))
}
