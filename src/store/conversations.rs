//! A user's conversations, with the number of unread messages in each: two round trips for any number of rooms.

use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::redis::reply::{self, array, entry_id, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::stored::{RoomEntry, kind_of, parse_pair};
use super::{Store, amendments};
use crate::domain::{Conversation, Error, Result, RoomHead, Runs, Seq, UserId};

impl Store {
    /// The rooms of a user, latest activity first.
    pub async fn conversations(&self, user: UserId) -> Result<Vec<Conversation>> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ZRANGE").arg(self.keys.user_rooms(user)).arg(0).arg(-1).arg("WITHSCORES");
        pipeline.cmd("ZRANGE").arg(self.keys.read_cursors(user)).arg(0).arg(-1).arg("WITHSCORES");
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let entries = RoomEntry::read_list(next(&mut replies)?)?;
        let read_cursors: Vec<(u32, f64)> = reply::read(next(&mut replies)?)?;
        let read_cursors: HashMap<u32, u64> = read_cursors.into_iter().map(|(room, seq)| (room, seq as u64)).collect();

        let oldest_ms = self.oldest_ms();
        let mut pipeline = Pipeline::with_capacity(2 * entries.len());
        for entry in &entries {
            let keys = self.keys.room(entry.room);
            let other = entry.other.map(|user| user.to_string()).unwrap_or_default();
            let call = Call {
                script: &scripts::CONVERSATION,
                keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.read],
                args: &[
                    Arg::Number(user.0),
                    Arg::Number(read_cursors.get(&entry.room.number()).copied().unwrap_or(0)),
                    Arg::Number(oldest_ms),
                    Arg::Text(&other),
                ],
            };
            pipeline.add_command(call.by_hash());
            match entry.other {
                Some(other) => pipeline.cmd("HGET").arg(self.keys.user(other)).arg("name"),
                None => pipeline.cmd("ECHO").arg(""),
            };
        }
        let mut replies = self.run_list(&pipeline).await?.into_iter();
        let mut conversations = Vec::with_capacity(entries.len());
        for entry in &entries {
            let (card, name) = (next(&mut replies)?, next(&mut replies)?);
            let read = Seq(read_cursors.get(&entry.room.number()).copied().unwrap_or(0));
            let other_name: Option<String> = reply::read(name)?;
            conversations.extend(read_conversation(*entry, card, read, other_name)?);
        }
        conversations.sort_by_key(|it| std::cmp::Reverse((it.active_at_ms, it.head.id.number())));
        Ok(conversations)
    }
}

fn read_conversation(
    entry: RoomEntry,
    card: Value,
    read: Seq,
    other_name: Option<String>,
) -> Result<Option<Conversation>> {
    if is_absent(&card) {
        return Ok(None); // the user left between the two round trips
    }
    let items = array(card)?;
    let [kind, name, pair, at_ms, id, record, amended, Value::Int(unread), other_read] = items.as_slice() else {
        return Err(Error::internal("a conversation has an unexpected number of fields"));
    };
    let last_message = match is_absent(id) {
        true => None,
        false => amendments::read_amended(entry.room, entry_id(id)?, text(record)?, amended)?,
    };
    let name = match entry.other {
        Some(_) => other_name.unwrap_or_default(),
        None => text(name)?.to_owned(),
    };
    let pair = if is_absent(pair) { None } else { parse_pair(text(pair)?) };
    let read_by_other = if is_absent(other_read) { Seq(0) } else { Runs::parse(text(other_read)?).highest() };
    Ok(Some(Conversation {
        head: RoomHead { id: entry.room, kind: kind_of(text(kind)?)?, pair },
        name,
        active_at_ms: text(at_ms)?.parse().map_err(Error::internal)?,
        last_message,
        unread: (*unread).unsigned_abs(),
        read,
        read_by_other,
    }))
}
