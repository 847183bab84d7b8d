//! Removing rooms.
//!
//! One script removes what is in the room's slot, and from then on the room does not exist for any reader. Lists of
//! members, read cursors, indexes and files lie elsewhere. The removal is recorded before the script runs, and the
//! script keeps former members and messages, so that any node can finish what a failed one left. Every step is
//! idempotent.

use redis::{Cmd, Pipeline, Value};
use tracing::debug;

use super::history::read_entry;
use super::redis::keys::RoomKeys;
use super::redis::reply::{self, array, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::{Store, UserEvent, record};
use crate::domain::{EntryId, Error, Message, Result, RoomId, UserId};

/// Age from which a removal that is not finished counts as left behind by a node that failed.
const ABANDONED_AFTER_MS: u64 = 30 * 1000;
/// Removals that are finished at once for other nodes.
const ABANDONED_AT_ONCE: usize = 20;
/// Members whose lists are changed at once.
const MEMBERS_AT_ONCE: usize = 500;
/// Messages that are read at once.
const MESSAGES_AT_ONCE: usize = 200;

/// An attempt to remove a room, `room:attempt`.
#[derive(Debug)]
pub struct Removal {
    /// The room.
    pub room: RoomId,
    note: String,
}

impl Removal {
    fn parse(note: String) -> Option<Self> {
        let room = RoomId::new(note.split(':').next()?.parse().ok()?)?;
        Some(Self { room, note })
    }
}

impl Store {
    /// Removes a room for every reader, and announces it. What lies in other slots is still to be removed. Returns the
    /// attempt, and the room's name.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the actor is no member; `PermanentRoom`; `Forbidden` unless the
    /// actor is the owner or `may_remove` any room.
    pub async fn remove_room(&self, room: RoomId, actor: UserId, may_remove: bool) -> Result<(Removal, String)> {
        let note = format!("{}:{:x}", room.number(), fastrand::u64(..));
        let mut noting = redis::cmd("ZADD");
        noting.arg(self.keys.removals()).arg(self.now_ms()).arg(&note);
        let removal = Removal { room, note };
        let outcome = self.run_remove_room(room, actor, may_remove, noting).await;
        match outcome {
            Ok(name) => Ok((removal, name)),
            // The room may be removed all the same.
            Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => Err(error),
            Err(refused) => {
                if let Err(error) = self.end_removals(&[removal]).await {
                    debug!(room.id = %room, %error, "could not forget a refused removal; housekeeping will");
                }
                Err(refused)
            }
        }
    }

    async fn run_remove_room(&self, id: RoomId, actor: UserId, may_remove: bool, noting: Cmd) -> Result<String> {
        let [ids, other_ids] = self.keys.client_ids(id);
        let (former_members, former_log) = (self.keys.former_members(id), self.keys.former_log(id));
        let links = self.keys.links(id);
        let RoomKeys { room, log, members, amendments, details, live, admins, removed, read, delivered } =
            self.keys.room(id);
        let call = Call {
            script: &scripts::REMOVE_ROOM,
            keys: &[
                &room,
                &log,
                &members,
                &amendments,
                &live,
                &admins,
                &read,
                &delivered,
                &ids,
                &other_ids,
                &former_members,
                &former_log,
                &removed,
                &details,
                &links,
            ],
            args: &[Arg::Number(actor.0), Arg::Number(may_remove.into())],
        };
        let items = array(self.writer.run_script_after(&[noting], &call, &[]).await?.0)?;
        let [status, rest @ ..] = items.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("removed", [name]) => {
                self.cards.forget(id);
                Ok(text(name)?.to_owned())
            }
            ("no_room", []) => Err(Error::RoomNotFound),
            ("permanent", []) => Err(Error::PermanentRoom),
            ("forbidden", []) => Err(Error::Forbidden),
            _ => Err(reply::unexpected(status)),
        }
    }

    /// Removals that nodes left unfinished.
    pub async fn abandoned_removals(&self) -> Result<Vec<Removal>> {
        let until_ms = self.now_ms().saturating_sub(ABANDONED_AFTER_MS);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.removals()).arg("-inf").arg(until_ms);
        pipeline.arg(&["BYSCORE", "LIMIT", "0"]).arg(ABANDONED_AT_ONCE);
        let notes: Vec<String> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(notes.into_iter().filter_map(Removal::parse).collect())
    }

    /// Whether a room was removed, and something of it is left.
    pub async fn is_removed(&self, room: RoomId) -> Result<bool> {
        Ok(self.former_name(room).await?.is_some())
    }

    async fn former_name(&self, room: RoomId) -> Result<Option<String>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(self.keys.room(room).room).arg(&["former", "name"]);
        let fields = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        let (former, name): (Option<String>, Option<String>) = reply::read(fields)?;
        Ok(former.map(|_| name.unwrap_or_default()))
    }

    /// Takes a removed room from the lists of its members, and tells their sockets.
    pub async fn dismiss_members(&self, room: RoomId) -> Result<()> {
        let former = self.keys.former_members(room);
        loop {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("ZRANGE").arg(&former).arg(0).arg(MEMBERS_AT_ONCE - 1);
            let users: Vec<u64> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
            if users.is_empty() {
                return Ok(());
            }
            let mut pipeline = Pipeline::with_capacity(4 * users.len());
            for user in users.iter().copied().map(UserId) {
                pipeline.cmd("ZREM").arg(self.keys.user_rooms(user)).arg(room.number());
                pipeline.cmd("ZREM").arg(self.keys.read_cursors(user)).arg(room.number());
                self.forget_settings(&mut pipeline, room, user);
                let event = UserEvent::Left { user, room }.to_string();
                pipeline.add_command(self.keys.publish(&self.keys.users_live(user), &event));
            }
            self.run_list(&pipeline).await?;
            // Only now are they done with.
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.cmd("ZREM").arg(&former).arg(&users);
            self.connection.run(&pipeline).await?;
        }
    }

    /// The messages of a removed room behind an entry, oldest first; empty at the end.
    pub async fn former_messages(&self, room: RoomId, after: EntryId) -> Result<Vec<Message>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("XRANGE").arg(self.keys.former_log(room)).arg(format!("({after}")).arg("+");
        pipeline.arg("COUNT").arg(MESSAGES_AT_ONCE);
        let entries = array(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        entries.iter().map(|entry| read_message(room, entry)).collect()
    }

    /// Removes the last of a removed room.
    pub async fn forget_room(&self, room: RoomId) -> Result<()> {
        let Some(name) = self.former_name(room).await? else { return Ok(()) };
        let (mut pipeline, mut ending) = (Pipeline::with_capacity(6), Pipeline::with_capacity(1));
        pipeline.cmd("ZREM").arg(self.keys.public_rooms()).arg(room.number());
        pipeline.cmd("ZREM").arg(self.keys.active_rooms()).arg(room.number());
        self.unindex_room(&mut pipeline, room, &name);
        pipeline.cmd("UNLINK").arg(self.keys.former_log(room));
        // Last, because it says that something is left.
        ending.cmd("DEL").arg(self.keys.room(room).room);
        self.connection.run_in_order(pipeline, &ending).await?;
        Ok(())
    }

    /// Forgets attempts of which nothing is left to do.
    pub async fn end_removals(&self, removals: &[Removal]) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(removals.len());
        for removal in removals {
            pipeline.cmd("ZREM").arg(self.keys.removals()).arg(&removal.note);
        }
        self.connection.run(&pipeline).await?;
        Ok(())
    }
}

fn read_message(room: RoomId, entry: &Value) -> Result<Message> {
    let (id, record) = read_entry(entry)?;
    record::decode(room, id, record)
}
