//! The messages that outgoing webhooks have to deliver. How far each has come is part of the room's log: a consumer group.

use std::time::Duration;

use redis::{Pipeline, Value};

use super::redis::keys::RoomKeys;
use super::redis::reply::{self, array, entry_id, millis, next, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use super::{Store, amendments};
use crate::domain::{EntryId, Error, HookId, Message, OutgoingHook, Result, RoomId, UserId};

/// Whose rights a hook has in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookMaker {
    /// Those of the operator, who may everything.
    Operator,
    /// Those of a user: of an owner or admin of the room, and in public rooms of an administrator.
    User {
        /// The user.
        id: UserId,
        /// Whether the user is an administrator.
        is_admin: bool,
    },
}

/// What there is to deliver.
#[derive(Debug)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Perhaps more: ask again.
    More,
    /// Nothing as long as the maker of the hook may have none in the room.
    Closed,
    /// Another node delivers a message, or a pause is not over. The message may be taken after this time.
    Busy(Duration),
    /// A message, which is this node's for the lease; `None` when it was deleted. And the number of the attempt.
    Message(EntryId, Option<Box<Message>>, u64),
    /// A message that cannot be read. It is this node's as well.
    Unreadable(EntryId, Error),
}

fn group(hook: &HookId) -> String {
    format!("{GROUP_PREFIX}{hook}")
}

/// What the names of groups of hooks begin with.
pub(super) const GROUP_PREFIX: &str = "hook:";

impl Store {
    /// Takes the next message of a room that a hook has to deliver. Messages of the server and those of direct rooms are none
    /// of them. No other node takes it within `lease`, whatever its own lease is.
    ///
    /// # Errors
    /// `Unavailable`; `Internal` when Redis refuses a command.
    pub async fn next_delivery(
        &self,
        hook: &OutgoingHook,
        maker: HookMaker,
        id: RoomId,
        lease: Duration,
    ) -> Result<Due> {
        let RoomKeys { room, log, members, admins, amendments, details, .. } = self.keys.room(id);
        let group = group(&hook.id);
        let (maker, is_admin) = match maker {
            HookMaker::Operator => (String::new(), false),
            HookMaker::User { id, is_admin } => (id.to_string(), is_admin),
        };
        let call = Call {
            script: &scripts::NEXT_DELIVERY,
            keys: &[&room, &log, &members, &admins, &amendments, &details],
            args: &[
                Arg::Text(&group),
                Arg::Text(&self.node),
                Arg::Number(as_ms(lease)),
                Arg::Number(hook.origin.made_at_ms),
                Arg::Text(&maker),
                Arg::Number(is_admin.into()),
            ],
        };
        let items = array(self.connection.run_script(&call, &[]).await?.0)?;
        let [status, rest @ ..] = items.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("none", []) => Ok(Due::Nothing),
            ("more", []) => Ok(Due::More),
            ("closed", []) => Ok(Due::Closed),
            ("busy", [Value::Int(ms)]) => Ok(Due::Busy(millis(*ms))),
            ("take", [entry, record, amended, Value::Int(attempt)]) => {
                let entry = entry_id(entry)?;
                Ok(match text(record).and_then(|record| amendments::read_amended(id, entry, record, amended)) {
                    Ok(message) => {
                        Due::Message(entry, message.map(|message| self.named(message)), attempt.unsigned_abs())
                    }
                    Err(error) => Due::Unreadable(entry, error),
                })
            }
            _ => Err(unexpected(status)),
        }
    }

    fn named(&self, mut message: Message) -> Box<Message> {
        self.deleted_users.rename_in([&mut message]);
        Box::new(message)
    }

    /// Acknowledges a message that this node has taken: it is delivered, or never will be.
    ///
    /// # Errors
    /// As [`Self::next_delivery`].
    pub async fn acknowledge_delivery(&self, hook: &HookId, room: RoomId, entry: EntryId) -> Result<()> {
        self.settle_delivery(hook, room, entry, None).await
    }

    /// Notes that an attempt to deliver a message has failed: no node takes it again before the pause is over.
    ///
    /// # Errors
    /// As [`Self::next_delivery`].
    pub async fn put_off_delivery(&self, hook: &HookId, room: RoomId, entry: EntryId, pause: Duration) -> Result<()> {
        self.settle_delivery(hook, room, entry, Some(pause)).await
    }

    async fn settle_delivery(
        &self,
        hook: &HookId,
        room: RoomId,
        entry: EntryId,
        pause: Option<Duration>,
    ) -> Result<()> {
        let (log, group, entry) = (self.keys.room(room).log, group(hook), entry.to_string());
        let pause = pause.map(|pause| as_ms(pause).to_string()).unwrap_or_default();
        let args = [Arg::Text(&group), Arg::Text(&self.node), Arg::Text(&entry), Arg::Text(&pause)];
        let call = Call { script: &scripts::SETTLE_DELIVERY, keys: &[&log], args: &args };
        self.connection.run_script(&call, &[]).await.map(drop)
    }

    /// Rooms with a message of a user since a time within the last day, at most `most` of them, the latest first.
    pub async fn rooms_active_since(&self, ms: u64, most: usize) -> Result<Vec<RoomId>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.active_rooms()).arg("+inf").arg(ms);
        pipeline.arg(&["BYSCORE", "REV", "LIMIT", "0"]).arg(most);
        let numbers: Vec<u32> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        Ok(numbers.into_iter().filter_map(RoomId::new).collect())
    }
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
