//! Members of rooms.

use redis::{Cmd, Pipeline, Value};

use super::joins::Join;
use super::redis::reply::{self, array, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call, Script};
use super::stored::{RoomEntry, kind_of};
use super::uploads::PictureOwner;
use super::{SendRate, Store, record, room_links};
use crate::domain::{
    Caller, Error, LinkToken, Listing, Member, MemberRole, Notice, Result, RoomId, RoomKind, Seq, UserCard, UserId,
    UserRef,
};

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
    /// Whether the actor may add anybody, and need not be a member.
    pub is_imposed: bool,
    /// The link with which the actor joins.
    pub link: Option<&'a LinkToken>,
}

impl Store {
    /// Adds a user to a room; does nothing for a member. Counts as a message of the actor.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the actor is not a member; `Forbidden`; `Removed`; `DirectRoom`;
    /// `RateLimited`; `TooManyRooms`; `LinkInvalid`, `LinkExpired`, `LinkUsedUp`.
    pub async fn add_member(&self, change: &MemberChange<'_>) -> Result<()> {
        let join = self.begin_join(change.room, change.notice.user.id, false).await?;
        let changed = self.change_members(&scripts::ADD_MEMBER, change, Some(&join)).await;
        let reply = match changed {
            Ok(reply) => reply,
            Err(error) => {
                self.abandon_join(&join, &error).await;
                return Err(error);
            }
        };
        // Also for members, whose sockets may lack the room after a node failed between the two writes.
        let (entry, since) = read_change(change.room, &reply)?;
        if entry.kind == RoomKind::Direct {
            self.abandon_join(&join, &Error::DirectRoom).await;
            return Ok(());
        }
        self.settle_membership(entry, change.notice.user.id, true, since, Some(&join)).await
    }

    /// Removes a user from a room. Counts as a message of the actor. Users whom others remove from a public room cannot join
    /// it again before somebody adds them.
    ///
    /// # Errors
    /// As [`Self::add_member`]; `UserNotFound` when the user is not a member and nothing changed.
    pub async fn remove_member(&self, change: &MemberChange<'_>) -> Result<()> {
        let reply = self.change_members(&scripts::REMOVE_MEMBER, change, None).await?;
        // Also for users who are no members, for the same reason.
        let (entry, since) = read_change(change.room, &reply)?;
        self.settle_membership(entry, change.notice.user.id, false, since, None).await?;
        match reply.first().map(text).transpose()? {
            Some("absent") => Err(Error::UserNotFound),
            Some("emptied") => {
                self.remove_hooks_of(change.room).await?;
                self.keep_picture(PictureOwner::Room(change.room), None).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Runs a script that changes members, behind the command that begins a join.
    async fn change_members(
        &self,
        script: &'static Script,
        change: &MemberChange<'_>,
        join: Option<&Join>,
    ) -> Result<Vec<Value>> {
        let keys = self.keys.room(change.room);
        let rate_key = self.keys.rate(change.room, change.actor.id);
        let links = self.keys.links(change.room);
        let link = change.link.map(room_links::digest).unwrap_or_default();
        let record = record::encode_notice(change.notice)?;
        let (interval, burst_ms) = SendRate::as_arguments(change.rate);
        let call = Call {
            script,
            keys: &[
                &keys.room,
                &keys.log,
                &keys.members,
                &keys.amendments,
                &keys.live,
                &rate_key,
                &keys.admins,
                &keys.removed,
                &keys.details,
                &links,
            ],
            args: &[
                Arg::Number(change.actor.id.0),
                Arg::Number(change.notice.user.id.0),
                Arg::Text(&record),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
                Arg::Number(change.is_imposed.into()),
                Arg::Text(&link),
                Arg::Number(join.is_some_and(|join| join.is_bot).into()),
            ],
        };
        let before: Vec<Cmd> = join.map(|join| join.entering.clone()).into_iter().collect();
        let reply = array(self.writer.run_script_after(&before, &call, &[]).await?.0)?;
        match (reply.first().map(text).transpose()?, reply.as_slice()) {
            (Some("limited"), [_, Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
            (Some(status), [reply]) => Err(room_links::refusal(status).unwrap_or_else(|| reply::unexpected(reply))),
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
        let (reply, _) = self.writer.run_script(&call, &[]).await?;
        match text(&reply)? {
            "done" => Ok(()),
            "no_room" => Err(Error::RoomNotFound),
            "absent" => Err(Error::UserNotFound),
            "direct" => Err(Error::DirectRoom),
            "forbidden" => Err(Error::Forbidden),
            _ => Err(reply::unexpected(&reply)),
        }
    }

    /// The first `limit` members of a room in the order of joining: two round trips, and one before a node knows that the
    /// caller may ask.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is not a member.
    pub async fn members(&self, room: RoomId, caller: UserId, limit: usize) -> Result<Vec<Member>> {
        self.admit_reader(room, caller).await?;
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
            self.readers.forget(room, caller);
            return Err(Error::RoomNotFound);
        }
        let users: Vec<u64> = reply::read(next(&mut replies)?)?;
        let admins: Vec<u64> = reply::read(next(&mut replies)?)?;
        let users: Vec<UserId> = users.into_iter().map(UserId).collect();
        let cards = self.cards(&users).await?;
        Ok(cards.into_iter().map(|card| member_of(card, owner, &admins)).collect())
    }

    /// The kind of a group or public room, and whether a user is its owner or one of its admins.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the user is no member; `DirectRoom`.
    pub async fn leadership(&self, room: RoomId, user: UserId) -> Result<(RoomKind, bool)> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("HMGET").arg(&keys.room).arg(&["kind", "owner"]);
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(user.0);
        pipeline.cmd("SISMEMBER").arg(&keys.admins).arg(user.0);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let (kind, owner): (Option<String>, Option<u64>) = reply::read(next(&mut replies)?)?;
        let is_member = !is_absent(&next(&mut replies)?);
        let is_admin: bool = reply::read(next(&mut replies)?)?;
        let kind = kind_of(&kind.ok_or(Error::RoomNotFound)?)?;
        match kind {
            RoomKind::Group | RoomKind::Direct if !is_member => Err(Error::RoomNotFound),
            RoomKind::Direct => Err(Error::DirectRoom),
            RoomKind::Public | RoomKind::Group => Ok((kind, is_member && (is_admin || owner == Some(user.0)))),
        }
    }

    /// A user who has an account.
    ///
    /// # Errors
    /// `UserNotFound`, also for a deleted account, and for one that still has to use its invite.
    pub async fn user(&self, id: UserId) -> Result<UserRef> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(self.keys.user(id)).arg(&["name", "hash", "invite"]);
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        let (name, hash, invite): (Option<String>, Option<String>, Option<String>) = reply::read(reply)?;
        name.filter(|_| hash.is_some() && invite.is_none()).map(|name| UserRef { id, name }).ok_or(Error::UserNotFound)
    }

    /// Users with their current names, without those that do not exist.
    pub async fn names(&self, users: &[UserId]) -> Result<Vec<UserRef>> {
        self.names_partly(users).await?.complete()
    }

    /// The same without those whose shard is unavailable.
    pub async fn names_partly(&self, users: &[UserId]) -> Result<Listing<UserRef>> {
        let mut pipeline = Pipeline::with_capacity(users.len());
        for user in users {
            pipeline.cmd("HGET").arg(self.keys.user(*user)).arg("name");
        }
        let mut names = Listing::default();
        for (user, reply) in users.iter().zip(self.run_partly(&pipeline, pipeline.len()).await?) {
            names.is_partial |= reply.is_none();
            if let Some(name) = reply.map(reply::read::<Option<String>>).transpose()?.flatten() {
                names.items.push(UserRef { id: *user, name });
            }
        }
        Ok(names)
    }
}

/// A user as a member of a room with this owner and these admins.
pub(super) fn member_of(card: UserCard, owner: Option<u64>, admins: &[u64]) -> Member {
    let UserCard { id, name, avatar, status_text, is_bot } = card;
    let role = match () {
        () if owner == Some(id.0) => MemberRole::Owner,
        () if admins.contains(&id.0) => MemberRole::Admin,
        () => MemberRole::Member,
    };
    Member { id, role, name, avatar, status_text, is_bot }
}

/// Reads the room's entry and the first message for which a change counts from `{outcome, kind, seq}`.
fn read_change(room: RoomId, reply: &[Value]) -> Result<(RoomEntry, Seq)> {
    let [_, kind, Value::Int(seq)] = reply else {
        return Err(Error::internal("a reply has an unexpected number of fields"));
    };
    Ok((RoomEntry { room, kind: kind_of(text(kind)?)?, other: None }, Seq(seq.unsigned_abs())))
}
