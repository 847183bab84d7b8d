//! Each user's list of rooms.
//!
//! Only a room's set of members decides about membership. The list is in another slot and is derived from it, so a node
//! that fails in between leaves them inconsistent. Three rules repair that:
//!
//! - Before a user becomes a member, the room is recorded as pending with the user. The record stays for
//!   [`SETTLED_AFTER_MS`], so a room that the list lacks is found by it, even if the node that made the change failed.
//! - A join is entered in one set of all users as well until it is announced. Entries of nodes that failed are announced
//!   by any node's housekeeping, so that open sockets follow without waiting for anyone.
//! - An entry is a hint. Whoever reads the list for a decision asks the rooms ([`Store::confirm_rooms`]), and corrects
//!   the list in passing.

use redis::{Pipeline, Value};
use tracing::debug;

use super::joins::{Join, pending_room};
use super::redis::reply::{self, is_absent, next};
use super::stored::{GROUP_SCORE, RoomEntry, kind_of, parse_pair};
use super::{Store, UserEvent};
use crate::domain::{Listing, Result, RoomId, RoomKind, Seq, UserId};

/// Rooms that one round trip reads for a list. Each may have a long message.
pub(super) const ROOMS_AT_ONCE: usize = 200;

/// Age from which the outcome of a pending join is certain. A join takes seconds, and nodes know the time of Redis.
const SETTLED_AFTER_MS: u64 = 10 * 60 * 1000;

/// A user's rooms as the list has them, not yet confirmed by their members.
pub struct RoomHints {
    user: UserId,
    pub(super) listed: Vec<RoomEntry>,
    /// Rooms that the list may lack.
    pub(super) pending: Vec<RoomId>,
    /// Up to when the outcome of the pending rooms is certain; `None` when that is true for none of them.
    settled_until_ms: Option<u64>,
}

impl RoomHints {
    /// All rooms that the user may be a member of.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.listed.iter().map(|entry| entry.room).chain(self.pending.iter().copied())
    }

    fn new(user: UserId, now_ms: u64, listed: Vec<RoomEntry>, noted: &[(String, f64)]) -> Self {
        let until_ms = now_ms.saturating_sub(SETTLED_AFTER_MS);
        let is_any_settled = noted.iter().any(|(_, at_ms)| *at_ms as u64 <= until_ms);
        let mut pending = Vec::new();
        for room in noted.iter().filter_map(|(note, _)| pending_room(note)) {
            if !pending.contains(&room) && listed.iter().all(|entry| entry.room != room) {
                pending.push(room);
            }
        }
        Self { user, listed, pending, settled_until_ms: is_any_settled.then_some(until_ms) }
    }
}

/// How a user's list differs from the rooms.
#[derive(Default)]
pub(super) struct Correction {
    /// Entries of rooms of which the user is no member.
    surplus: Vec<RoomEntry>,
    /// Rooms of the user that the list lacks.
    pub(super) missing: Vec<RoomEntry>,
}

impl Correction {
    /// Removes an entry from the list, except for the global room: everyone is a member of it.
    pub(super) fn remove(&mut self, entry: RoomEntry) {
        if entry.room != RoomId::GLOBAL {
            self.surplus.push(entry);
        }
    }
}

impl Store {
    /// Adds the commands whose replies [`Self::read_room_list`] reads.
    pub(super) fn ask_room_list(&self, pipeline: &mut Pipeline, user: UserId) {
        // One more than are returned, which shows that the list is longer.
        pipeline
            .cmd("ZRANGE")
            .arg(self.keys.user_rooms(user))
            .arg(0)
            .arg(self.room_limits.most_read())
            .arg("WITHSCORES");
        let last = self.room_limits.most_read().saturating_sub(1).max(-1);
        pipeline.cmd("ZRANGE").arg(self.keys.pending_rooms(user)).arg(0).arg(last).arg("WITHSCORES");
    }

    /// Reads the replies to [`Self::ask_room_list`]. A list of more rooms than a user may have now takes a round trip of its
    /// own.
    pub(super) async fn read_room_list(
        &self,
        user: UserId,
        replies: &mut impl Iterator<Item = Value>,
    ) -> Result<RoomHints> {
        let mut listed = RoomEntry::read_list(next(replies)?)?;
        let noted: Vec<(String, f64)> = reply::read(next(replies)?)?;
        if usize::try_from(self.room_limits.most_read()).is_ok_and(|most| listed.len() > most) {
            listed = self.long_room_list(user).await?;
        }
        Ok(RoomHints::new(user, self.now_ms(), listed, &noted))
    }

    /// Reads as many direct rooms of a list and as many others as there may be of both: lists from before there was a limit
    /// may be longer, and direct rooms do not give way to others.
    async fn long_room_list(&self, user: UserId) -> Result<Vec<RoomEntry>> {
        let mut pipeline = Pipeline::with_capacity(2);
        for (from, to) in [(0.to_string(), GROUP_SCORE.to_string()), (format!("({GROUP_SCORE}"), "+inf".to_owned())] {
            pipeline.cmd("ZRANGE").arg(self.keys.user_rooms(user)).arg(from).arg(to);
            pipeline.arg(&["BYSCORE", "LIMIT", "0"]).arg(self.room_limits.most_read()).arg("WITHSCORES");
        }
        let lists = self.connection.run(&pipeline).await?.into_iter().map(RoomEntry::read_list);
        Ok(lists.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Reads a user's list of rooms: one round trip.
    pub async fn room_hints(&self, user: UserId) -> Result<RoomHints> {
        let mut pipeline = Pipeline::with_capacity(2);
        self.ask_room_list(&mut pipeline, user);
        self.read_room_list(user, &mut self.connection.run(&pipeline).await?.into_iter()).await
    }

    /// The rooms of a user: two round trips.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomEntry>> {
        self.rooms_partly(user).await?.complete()
    }

    /// The same without rooms whose shard is unavailable.
    pub async fn rooms_partly(&self, user: UserId) -> Result<Listing<RoomEntry>> {
        let hints = self.room_hints(user).await?;
        let (items, unknown) = self.confirm_rooms(&hints).await?;
        Ok(Listing { items, is_partial: !unknown.is_empty() })
    }

    /// Those rooms of a list of which the user is a member at present, and those that do not answer because their shard is
    /// away: one round trip, and one to correct the list if it is wrong.
    pub async fn confirm_rooms(&self, hints: &RoomHints) -> Result<(Vec<RoomEntry>, Vec<RoomId>)> {
        let user = hints.user;
        let mut pipeline = Pipeline::with_capacity(hints.listed.len() + 2 * hints.pending.len());
        for room in hints.rooms() {
            pipeline.cmd("ZSCORE").arg(self.keys.room(room).members).arg(user.0);
        }
        for room in &hints.pending {
            pipeline.cmd("HMGET").arg(self.keys.room(*room).room).arg(&["kind", "pair"]);
        }
        let mut replies = self.run_partly(&pipeline, pipeline.len()).await?.into_iter();
        let mut correction = Correction::default();
        let (mut confirmed, mut unknown) = (Vec::with_capacity(hints.listed.len()), Vec::new());
        for entry in &hints.listed {
            let is_member = next(&mut replies)?.map(|score| !is_absent(&score));
            match is_member.unwrap_or(false) || entry.room == RoomId::GLOBAL {
                true => confirmed.push(*entry),
                false if is_member.is_none() => unknown.push(entry.room),
                false => correction.remove(*entry),
            }
        }
        let are_members: Vec<Option<Value>> = replies.by_ref().take(hints.pending.len()).collect();
        for ((room, score), fields) in hints.pending.iter().zip(are_members).zip(replies) {
            match (score, fields) {
                (Some(score), Some(fields)) if !is_absent(&score) => {
                    correction.missing.extend(pending_entry(*room, user, fields)?);
                }
                (Some(_), Some(_)) => {}
                _ => unknown.push(*room),
            }
        }
        confirmed.extend_from_slice(&correction.missing);
        if unknown.is_empty() {
            self.correct_room_list(hints, correction).await;
        }
        Ok((confirmed, unknown))
    }

    /// When a user became a member of a room, in the room's time; `None` when the user is no member.
    pub async fn joined_at_ms(&self, room: RoomId, user: UserId) -> Result<Option<u64>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZSCORE").arg(self.keys.room(room).members).arg(user.0);
        let score: Option<f64> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(score.map(|at_ms| at_ms as u64))
    }

    /// Corrects a user's list by the memberships that were read, and removes pending joins whose outcome is certain.
    /// Best effort: the next read of the list repeats it.
    pub(super) async fn correct_room_list(&self, hints: &RoomHints, correction: Correction) {
        let is_right = correction.surplus.is_empty() && correction.missing.is_empty();
        if is_right && hints.settled_until_ms.is_none() {
            return;
        }
        if let Err(error) = self.try_correct(hints, correction).await {
            debug!(user.id = %hints.user, %error, "could not correct a user's list of rooms; the next read will");
        }
    }

    async fn try_correct(&self, hints: &RoomHints, mut correction: Correction) -> Result<()> {
        let user = hints.user;
        loop {
            let mut pipeline = Pipeline::with_capacity(1 + 2 * correction.surplus.len() + correction.missing.len());
            for entry in &correction.missing {
                self.repair_listing(*entry).await?;
                self.list_room(&mut pipeline, *entry, user);
            }
            for entry in &correction.surplus {
                pipeline.cmd("ZREM").arg(self.keys.user_rooms(user)).arg(entry.room.number());
            }
            // After the entries, so that nothing is removed that is not listed.
            if let Some(until_ms) = hints.settled_until_ms {
                pipeline.cmd("ZREMRANGEBYSCORE").arg(self.keys.pending_rooms(user)).arg("-inf").arg(until_ms);
            }
            let (changes, mut asking) = (pipeline.len(), Pipeline::with_capacity(correction.surplus.len()));
            for entry in &correction.surplus {
                asking.cmd("ZSCORE").arg(self.keys.room(entry.room).members).arg(user.0);
            }
            let replies = self.connection.run_in_order(pipeline, &asking).await?;
            let scores = replies.iter().skip(changes);
            // The user may have joined meanwhile.
            let missing: Vec<RoomEntry> = correction
                .surplus
                .iter()
                .zip(scores)
                .filter(|(_, score)| !is_absent(score))
                .map(|(entry, _)| *entry)
                .collect();
            if missing.is_empty() {
                return Ok(());
            }
            correction = Correction { surplus: Vec::new(), missing };
        }
    }

    /// Adds a room to the list of its member.
    fn list_room(&self, pipeline: &mut Pipeline, entry: RoomEntry, user: UserId) {
        pipeline.cmd("ZADD").arg(self.keys.user_rooms(user)).arg(entry.score()).arg(entry.room.number());
    }

    /// Lists a public room for everyone, in case the node failed that created it.
    pub(super) async fn repair_listing(&self, entry: RoomEntry) -> Result<()> {
        match entry.kind {
            RoomKind::Public => self.list_public_room(entry.room, None, None).await,
            RoomKind::Group | RoomKind::Direct => Ok(()),
        }
    }

    /// Adds the commands that list a room with its member and announce to the member's sockets the first message that
    /// they receive. Idempotent.
    pub(super) fn note_joined(&self, pipeline: &mut Pipeline, entry: RoomEntry, user: UserId, since: Seq) {
        self.list_room(pipeline, entry, user);
        let event = UserEvent::Joined { user, room: entry.room, since }.to_string();
        pipeline.add_command(self.keys.publish(&self.keys.users_live(user), &event));
    }

    fn note_left(&self, pipeline: &mut Pipeline, room: RoomId, user: UserId) {
        pipeline.cmd("ZREM").arg(self.keys.user_rooms(user)).arg(room.number());
        self.forget_settings(pipeline, room, user);
        let event = UserEvent::Left { user, room }.to_string();
        pipeline.add_command(self.keys.publish(&self.keys.users_live(user), &event));
    }

    /// Records a change of membership, which message `since` reports, in the user's list, and announces it to the
    /// user's sockets. Lists and rooms are in different slots, so two nodes may record opposite changes in the wrong
    /// order: each reads the membership after its write and corrects the list, hence the last write is right. When the
    /// node that wrote last fails before it has read, the list is wrong until it is next read: see the top of this
    /// file. Ends `join`.
    pub(super) async fn settle_membership(
        &self,
        entry: RoomEntry,
        user: UserId,
        mut is_member: bool,
        since: Seq,
        join: Option<&Join>,
    ) -> Result<()> {
        let members = self.keys.room(entry.room).members;
        loop {
            let mut pipeline = Pipeline::with_capacity(4);
            match is_member {
                true => self.note_joined(&mut pipeline, entry, user, since),
                false => self.note_left(&mut pipeline, entry.room, user),
            }
            let mut asking = Pipeline::with_capacity(3);
            if let Some(join) = join {
                self.end_join(&mut asking, join);
            }
            asking.cmd("ZSCORE").arg(&members).arg(user.0);
            let mut replies = self.connection.run_in_order(pipeline, &asking).await?;
            let found = replies.pop().is_some_and(|score| !is_absent(&score));
            if found == is_member {
                return Ok(());
            }
            is_member = found;
        }
    }

    /// Adds a user to the global room and to the index of names. Each login repeats it, in case a registration was
    /// interrupted.
    pub(super) async fn ensure_global_membership(&self, user: UserId, name: &str) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(7);
        self.index_user(&mut pipeline, user, name);
        pipeline.cmd("ZADD").arg(self.keys.room(RoomId::GLOBAL).members).arg("NX").arg(self.now_ms()).arg(user.0);
        pipeline.cmd("ZADD").arg(self.keys.user_rooms(user)).arg(0).arg(RoomId::GLOBAL.number());
        self.connection.run(&pipeline).await?;
        Ok(())
    }
}

/// The entry of a room that a list lacks; `None` when the room does not exist.
fn pending_entry(room: RoomId, user: UserId, fields: Value) -> Result<Option<RoomEntry>> {
    let (kind, pair): (Option<String>, Option<String>) = reply::read(fields)?;
    let Some(kind) = kind else { return Ok(None) };
    let other = pair.as_deref().and_then(parse_pair).map(|(low, high)| if low == user { high } else { low });
    Ok(Some(RoomEntry { room, kind: kind_of(&kind)?, other }))
}
