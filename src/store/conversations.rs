//! A user's conversations, with the number of unread messages in each: two round trips for up to 200 rooms, one more for
//! every further 200.

use std::collections::HashMap;

use redis::{Pipeline, Value};

use super::decoding::Decoding;
use super::redis::reply::{self, array, entry_id, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::room_list::{Correction, ROOMS_AT_ONCE};
use super::stored::{RoomEntry, kind_of, parse_pair};
use super::{Store, amendments};
use crate::domain::{Conversation, Error, Listing, Result, RoomHead, RoomId, RoomKind, Runs, Seq, UserId};

/// Of the other user of a direct room.
type NameAndAvatar = (Option<String>, Option<String>);

impl Store {
    /// The rooms of a user, latest activity first. Leaves out those whose shard, or whose other user's shard, is away.
    pub async fn conversations(&self, user: UserId) -> Result<Listing<Conversation>> {
        let mut pipeline = Pipeline::with_capacity(3);
        self.ask_room_list(&mut pipeline, user);
        pipeline.cmd("ZRANGE").arg(self.keys.read_cursors(user)).arg(0).arg(-1).arg("WITHSCORES");
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let hints = self.read_room_list(user, &mut replies).await?;
        let read_cursors: Vec<(u32, f64)> = reply::read(next(&mut replies)?)?;
        let read_cursors: HashMap<u32, u64> = read_cursors.into_iter().map(|(room, seq)| (room, seq as u64)).collect();

        let mut conversations = Listing { items: Vec::with_capacity(hints.listed.len()), is_partial: false };
        let (mut correction, mut decoding) = (Correction::default(), Decoding::default());
        for some in hints.listed.chunks(ROOMS_AT_ONCE) {
            let pipeline = self.read_conversations(user, some, &read_cursors);
            let mut replies = self.run_message_list(&pipeline, some.len()).await?.into_iter();
            for entry in some {
                let (card, other) = (next(&mut replies)?, next(&mut replies)?);
                let is_away = card.is_none() || entry.other.is_some() && other.is_none();
                let Some(card) = card.filter(|_| !is_away) else {
                    conversations.is_partial = true;
                    continue;
                };
                let read = Seq(read_cursors.get(&entry.room.number()).copied().unwrap_or(0));
                let other = other.filter(|_| entry.other.is_some()).map(reply::read).transpose()?;
                match read_conversation(*entry, card, read, other)? {
                    Some(conversation) => {
                        decoding.has_decoded(message_bytes(&conversation)).await;
                        conversations.items.push(conversation);
                    }
                    None => correction.remove(*entry),
                }
            }
        }
        let pending = |room: &RoomId| RoomEntry { room: *room, kind: RoomKind::Group, other: None };
        let pending: Vec<RoomEntry> = hints.pending.iter().map(pending).collect();
        for some in pending.chunks(ROOMS_AT_ONCE) {
            let pipeline = self.read_conversations(user, some, &read_cursors);
            let mut replies = self.run_message_list(&pipeline, some.len()).await?.into_iter();
            for entry in some {
                let (card, _) = (next(&mut replies)?, next(&mut replies)?);
                let Some(card) = card else {
                    conversations.is_partial = true;
                    continue;
                };
                let read = Seq(read_cursors.get(&entry.room.number()).copied().unwrap_or(0));
                let Some(conversation) = read_conversation(*entry, card, read, None)? else { continue };
                let RoomHead { kind, .. } = conversation.head;
                correction.missing.push(RoomEntry { kind, other: conversation.head.other(user), ..*entry });
                conversations.items.push(conversation);
            }
        }
        // What is noted must not be forgotten while the rooms cannot say what became of it.
        if !conversations.is_partial {
            self.correct_room_list(&hints, correction).await;
        }
        conversations.items.sort_by_key(|it| std::cmp::Reverse((it.active_at_ms, it.head.id.number())));
        self.deleted_users.rename_in(conversations.items.iter_mut().filter_map(|it| it.last_message.as_mut()));
        Ok(conversations)
    }

    /// The commands that read rooms: two replies for each.
    fn read_conversations(&self, user: UserId, rooms: &[RoomEntry], read_cursors: &HashMap<u32, u64>) -> Pipeline {
        let oldest_ms = self.oldest_ms();
        let mut pipeline = Pipeline::with_capacity(2 * rooms.len());
        let read = |pipeline: &mut Pipeline, room: RoomId, other: Option<UserId>| {
            let keys = self.keys.room(room);
            let other = other.map(|user| user.to_string()).unwrap_or_default();
            let call = Call {
                script: &scripts::CONVERSATION,
                keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.read, &keys.details],
                args: &[
                    Arg::Number(user.0),
                    Arg::Number(read_cursors.get(&room.number()).copied().unwrap_or(0)),
                    Arg::Number(oldest_ms),
                    Arg::Text(&other),
                ],
            };
            pipeline.add_command(call.by_hash());
        };
        for entry in rooms {
            read(&mut pipeline, entry.room, entry.other);
            match entry.other {
                Some(other) => pipeline.cmd("HMGET").arg(self.keys.user(other)).arg(&["name", "avatar"]),
                None => pipeline.cmd("ECHO").arg(""),
            };
        }
        pipeline
    }
}

fn message_bytes(conversation: &Conversation) -> usize {
    conversation.last_message.as_ref().map_or(0, |message| message.text.len())
}

fn read_conversation(
    entry: RoomEntry,
    card: Value,
    read: Seq,
    other: Option<NameAndAvatar>,
) -> Result<Option<Conversation>> {
    if is_absent(&card) {
        return Ok(None); // the user's list is not up to date
    }
    let items = array(card)?;
    let [kind, name, pair, at_ms, id, record, amended, Value::Int(unread), other_read, avatar] = items.as_slice()
    else {
        return Err(Error::internal("a conversation has an unexpected number of fields"));
    };
    let last_message = match is_absent(id) {
        true => None,
        false => amendments::read_amended(entry.room, entry_id(id)?, text(record)?, amended)?,
    };
    let (name, avatar) = match other {
        Some((name, avatar)) => (name.unwrap_or_default(), avatar.unwrap_or_default()),
        None if is_absent(avatar) => (text(name)?.to_owned(), String::new()),
        None => (text(name)?.to_owned(), text(avatar)?.to_owned()),
    };
    let pair = if is_absent(pair) { None } else { parse_pair(text(pair)?) };
    let read_by_other = if is_absent(other_read) { Seq(0) } else { Runs::parse(text(other_read)?).highest() };
    Ok(Some(Conversation {
        head: RoomHead { id: entry.room, kind: kind_of(text(kind)?)?, pair },
        name,
        avatar,
        active_at_ms: text(at_ms)?.parse().map_err(Error::internal)?,
        last_message,
        unread: (*unread).unsigned_abs(),
        read,
        read_by_other,
    }))
}
