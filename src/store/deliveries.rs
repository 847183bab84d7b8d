//! The messages that outgoing webhooks have to deliver. How far each has come is part of the room's log: a consumer group.

use redis::{Pipeline, Value};

use super::redis::keys::RoomKeys;
use super::redis::reply::{self, array, entry_id, next, text, unexpected};
use super::redis::scripts::{self, Arg, Call};
use super::{Store, amendments};
use crate::domain::{EntryId, Error, HookId, Message, OutgoingHook, Result, RoomId};

/// How long nodes wait for each other, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryTimes {
    /// For an attempt that is under way.
    pub lease_ms: u64,
    /// After the first failed attempt. Each pause is twice as long as the one before.
    pub first_pause_ms: u64,
    /// At most.
    pub longest_pause_ms: u64,
}

/// What there is to deliver.
#[derive(Debug)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Perhaps more: ask again.
    More,
    /// Another node delivers a message. It may be taken over after this time in milliseconds.
    Busy(u64),
    /// A message, which is this node's for the lease; `None` when it was deleted. And the number of the attempt.
    Message(EntryId, Option<Box<Message>>, u64),
}

fn group(hook: &HookId) -> String {
    format!("hook:{hook}")
}

impl Store {
    /// Acknowledges a message, and takes the next one of a room that a hook has to deliver. Messages of the server and those
    /// of direct rooms are none of them.
    pub async fn next_delivery(
        &self,
        hook: &OutgoingHook,
        id: RoomId,
        delivered: Option<EntryId>,
        times: DeliveryTimes,
    ) -> Result<Due> {
        let RoomKeys { room, log, amendments, details, .. } = self.keys.room(id);
        let delivered = delivered.map(|entry| entry.to_string()).unwrap_or_default();
        let group = group(&hook.id);
        let call = Call {
            script: &scripts::NEXT_DELIVERY,
            keys: &[&room, &log, &amendments, &details],
            args: &[
                Arg::Text(&group),
                Arg::Text(&self.node),
                Arg::Text(&delivered),
                Arg::Number(times.lease_ms),
                Arg::Number(times.first_pause_ms),
                Arg::Number(times.longest_pause_ms),
                Arg::Number(hook.origin.made_at_ms),
            ],
        };
        let items = array(self.connection.run_script(&call, &[]).await?.0)?;
        let [status, rest @ ..] = items.as_slice() else { return Err(Error::internal("an empty reply")) };
        match (text(status)?, rest) {
            ("none", []) => Ok(Due::Nothing),
            ("more", []) => Ok(Due::More),
            ("busy", [Value::Int(ms)]) => Ok(Due::Busy(ms.unsigned_abs())),
            ("take", [entry, record, amended, Value::Int(attempt)]) => {
                let entry = entry_id(entry)?;
                let message = amendments::read_amended(id, entry, text(record)?, amended)?;
                let message = message.map(|mut message| {
                    self.deleted_users.rename_in([&mut message]);
                    Box::new(message)
                });
                Ok(Due::Message(entry, message, attempt.unsigned_abs()))
            }
            _ => Err(unexpected(status)),
        }
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
