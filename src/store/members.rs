//! Members of rooms, and each user's list of rooms.

use redis::{Pipeline, Value};

use super::redis::reply::{self, array, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call, Script};
use super::stored::{RoomEntry, kind_of};
use super::{SendRate, Store, UserEvent, record};
use crate::domain::{Caller, Error, Member, MemberRole, Notice, Result, RoomId, RoomKind, Seq, UserId, UserRef};

/// A change of membership.
pub struct MemberChange<'a> {
    /// The room.
    pub room: RoomId,
    /// The user who makes it.
    pub actor: &'a Caller,
    /// The change, as the server's message reports it.
    pub notice: &'a Notice,
    /// Rate limit of the actor.
    pub rate: Option<SendRate>,
}

impl Store {
    /// Adds a user to a room; does nothing for a member. Counts as a message of the actor.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the actor is not a member; `Forbidden`; `DirectRoom`;
    /// `RateLimited`.
    pub async fn add_member(&self, change: &MemberChange<'_>) -> Result<()> {
        let reply = self.change_members(&scripts::ADD_MEMBER, change).await?;
        // Also for members, which repairs the lists after a node crashed between the two writes.
        let [_, kind, Value::Int(seq)] = reply.as_slice() else {
            return Err(Error::internal("a reply has an unexpected number of fields"));
        };
        let entry = RoomEntry { room: change.room, kind: kind_of(text(kind)?)?, other: None };
        if entry.kind == RoomKind::Direct {
            return Ok(());
        }
        self.settle_membership(entry, change.notice.user.id, true, Seq((*seq).unsigned_abs())).await
    }

    /// Removes a user from a room. Counts as a message of the actor.
    ///
    /// # Errors
    /// As [`Self::add_member`]; `UserNotFound` when the user is not a member.
    pub async fn remove_member(&self, change: &MemberChange<'_>) -> Result<()> {
        let reply = self.change_members(&scripts::REMOVE_MEMBER, change).await?;
        let [_, kind, Value::Int(seq)] = reply.as_slice() else { return Err(Error::UserNotFound) };
        let entry = RoomEntry { room: change.room, kind: kind_of(text(kind)?)?, other: None };
        self.settle_membership(entry, change.notice.user.id, false, Seq((*seq).unsigned_abs())).await
    }

    async fn change_members(&self, script: &'static Script, change: &MemberChange<'_>) -> Result<Vec<Value>> {
        let keys = self.keys.room(change.room);
        let rate_key = self.keys.rate(change.room, change.actor.id);
        let record = record::encode_notice(change.notice)?;
        let (interval, burst_ms) = SendRate::as_arguments(change.rate);
        let call = Call {
            script,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.live, &rate_key, &keys.admins],
            args: &[
                Arg::Number(change.actor.id.0),
                Arg::Number(change.notice.user.id.0),
                Arg::Text(&record),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
            ],
        };
        let reply = array(self.connection.run_script(&call, &[]).await?.0)?;
        match (reply.first().map(text).transpose()?, reply.as_slice()) {
            (Some("limited"), [_, Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
            (Some("no_room"), _) => Err(Error::RoomNotFound),
            (Some("direct"), _) => Err(Error::DirectRoom),
            (Some("forbidden"), _) => Err(Error::Forbidden),
            _ => Ok(reply),
        }
    }

    /// Changes the role of a member.
    ///
    /// # Errors
    /// `RoomNotFound`, `UserNotFound`, `DirectRoom`; `Forbidden` unless the actor owns the room.
    pub async fn set_role(&self, room: RoomId, actor: UserId, user: UserId, is_admin: bool) -> Result<()> {
        let keys = self.keys.room(room);
        let role = if is_admin { "admin" } else { "member" };
        let call = Call {
            script: &scripts::SET_ROLE,
            keys: &[&keys.room, &keys.members, &keys.admins],
            args: &[Arg::Number(actor.0), Arg::Number(user.0), Arg::Text(role)],
        };
        let (reply, _) = self.connection.run_script(&call, &[]).await?;
        match text(&reply)? {
            "done" => Ok(()),
            "no_room" => Err(Error::RoomNotFound),
            "absent" => Err(Error::UserNotFound),
            "direct" => Err(Error::DirectRoom),
            "forbidden" => Err(Error::Forbidden),
            _ => Err(reply::unexpected(&reply)),
        }
    }

    /// The first `limit` members of a room in the order of joining: two round trips.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is not a member.
    pub async fn members(&self, room: RoomId, caller: UserId, limit: usize) -> Result<Vec<Member>> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(4);
        pipeline.cmd("HMGET").arg(&keys.room).arg(&["kind", "owner"]);
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(caller.0);
        pipeline.cmd("ZRANGE").arg(&keys.members).arg(0).arg(limit.saturating_sub(1));
        pipeline.cmd("SMEMBERS").arg(&keys.admins);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let (kind, owner): (Option<String>, Option<u64>) = reply::read(next(&mut replies)?)?;
        let is_member = !is_absent(&next(&mut replies)?);
        let kind = kind_of(&kind.ok_or(Error::RoomNotFound)?)?;
        if kind != RoomKind::Public && !is_member {
            return Err(Error::RoomNotFound);
        }
        let users: Vec<u64> = reply::read(next(&mut replies)?)?;
        let admins: Vec<u64> = reply::read(next(&mut replies)?)?;
        let role = |user: UserId| match () {
            () if owner == Some(user.0) => MemberRole::Owner,
            () if admins.contains(&user.0) => MemberRole::Admin,
            () => MemberRole::Member,
        };
        let users: Vec<UserId> = users.into_iter().map(UserId).collect();
        let names = self.names(&users).await?;
        Ok(names.into_iter().map(|user| Member { id: user.id, role: role(user.id), name: user.name }).collect())
    }

    /// Users with their current names, without those that do not exist.
    pub async fn names(&self, users: &[UserId]) -> Result<Vec<UserRef>> {
        let mut pipeline = Pipeline::with_capacity(users.len());
        for user in users {
            pipeline.cmd("HGET").arg(self.keys.user(*user)).arg("name");
        }
        let mut names = Vec::with_capacity(users.len());
        for (user, reply) in users.iter().zip(self.run_list(&pipeline).await?) {
            if let Some(name) = reply::read::<Option<String>>(reply)? {
                names.push(UserRef { id: *user, name });
            }
        }
        Ok(names)
    }

    /// Reads the rooms of a user: one round trip.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomEntry>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.user_rooms(user)).arg(0).arg(-1).arg("WITHSCORES");
        RoomEntry::read_list(next(&mut self.connection.run(&pipeline).await?.into_iter())?)
    }

    /// Adds a room to the list of its member and, if public, to the listing. Announces to the member's sockets the first
    /// message that they receive. Idempotent.
    pub(super) async fn note_membership(&self, entry: RoomEntry, user: UserId, since: Seq) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(3);
        self.note_joined(&mut pipeline, entry, user, since);
        self.connection.run(&pipeline).await?;
        Ok(())
    }

    fn note_joined(&self, pipeline: &mut Pipeline, entry: RoomEntry, user: UserId, since: Seq) {
        let room = entry.room;
        pipeline.cmd("ZADD").arg(self.keys.user_rooms(user)).arg(entry.score()).arg(room.number());
        if entry.kind == RoomKind::Public {
            pipeline.cmd("ZADD").arg(self.keys.public_rooms()).arg(room.number()).arg(room.number());
        }
        let event = UserEvent::Joined { user, room, since }.to_string();
        pipeline.cmd("PUBLISH").arg(self.keys.users_live(user)).arg(event);
    }

    /// Records a change of membership, which message `since` reports, in the member's list and announces it to the member's
    /// sockets. Lists and rooms lie in different slots, so two nodes may record opposite changes in the wrong order: each
    /// reads the membership after its write and corrects the list, hence the last write is right.
    pub(super) async fn settle_membership(
        &self,
        entry: RoomEntry,
        user: UserId,
        mut is_member: bool,
        since: Seq,
    ) -> Result<()> {
        let members = self.keys.room(entry.room).members;
        loop {
            let mut pipeline = Pipeline::with_capacity(4);
            match is_member {
                true => self.note_joined(&mut pipeline, entry, user, since),
                false => self.note_left(&mut pipeline, entry.room, user),
            }
            pipeline.cmd("ZSCORE").arg(&members).arg(user.0);
            let found = self.connection.run(&pipeline).await?.pop().is_some_and(|score| !is_absent(&score));
            if found == is_member {
                return Ok(());
            }
            is_member = found;
        }
    }

    fn note_left(&self, pipeline: &mut Pipeline, room: RoomId, user: UserId) {
        pipeline.cmd("ZREM").arg(self.keys.user_rooms(user)).arg(room.number());
        let event = UserEvent::Left { user, room }.to_string();
        pipeline.cmd("PUBLISH").arg(self.keys.users_live(user)).arg(event);
    }

    /// Adds a user to the global room. Each login repeats it, in case a registration was interrupted.
    pub(super) async fn ensure_global_membership(&self, user: UserId) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ZADD").arg(self.keys.room(RoomId::GLOBAL).members).arg("NX").arg(self.now_ms()).arg(user.0);
        pipeline.cmd("ZADD").arg(self.keys.user_rooms(user)).arg(0).arg(RoomId::GLOBAL.number());
        self.connection.run(&pipeline).await?;
        Ok(())
    }
}
