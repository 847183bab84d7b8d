//! A user's conversations, with the number of unread messages in each: two round trips for up to 200 rooms, one more for
//! every further 200. Where Redis would have to read much in order to count, the node counts by its cache (`senders`):
//! one more for each such room, and some at first.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use redis::{Pipeline, Value};

use super::decoding::Decoding;
use super::redis::reply::{self, array, entry_id, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::room_list::{Correction, ROOMS_AT_ONCE};
use super::stored::{RoomEntry, kind_of, parse_pair};
use super::{Store, amendments, setting_letters};
use crate::domain::{
    Conversation, ConversationSettings, Error, Kind, Listing, Result, RoomHead, RoomId, RoomKind, Runs, Seq, UserId,
};

/// How many rooms are read at the same time to count their messages.
const COUNTED_AT_ONCE: usize = 4;

/// A conversation whose unread messages Redis did not count, because that would take too long, and the time since which
/// they count, ms.
type Uncounted = (Conversation, u64);

/// Of the other user of a direct room: name, avatar, 1 for the account of a program.
type Other = (Option<String>, Option<String>, Option<u8>);

impl Store {
    /// The rooms of a user, latest activity first. Leaves out those whose shard, or whose other user's shard, is
    /// unavailable.
    pub async fn conversations(&self, user: UserId) -> Result<Listing<Conversation>> {
        let mut pipeline = Pipeline::with_capacity(4);
        self.ask_room_list(&mut pipeline, user);
        pipeline.cmd("ZRANGE").arg(self.keys.read_cursors(user)).arg(0).arg(-1).arg("WITHSCORES");
        pipeline.cmd("HGETALL").arg(self.keys.conversation_settings(user));
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let hints = self.read_room_list(user, &mut replies).await?;
        let read_cursors: Vec<(u32, f64)> = reply::read(next(&mut replies)?)?;
        let read_cursors: HashMap<u32, u64> = read_cursors.into_iter().map(|(room, seq)| (room, seq as u64)).collect();

        let settings: HashMap<u32, String> = reply::read(next(&mut replies)?)?;

        let pending = |room: &RoomId| RoomEntry { room: *room, kind: RoomKind::Group, other: None };
        let rooms: Vec<RoomEntry> = hints.listed.iter().copied().chain(hints.pending.iter().map(pending)).collect();
        let mut conversations = Listing { items: Vec::with_capacity(rooms.len()), is_partial: false };
        let (mut correction, mut decoding) = (Correction::default(), Decoding::default());
        let mut uncounted = Vec::new();
        for some in rooms.chunks(ROOMS_AT_ONCE) {
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
                let is_pending = hints.pending.contains(&entry.room);
                let Some((conversation, joined_at_ms)) = read_conversation(*entry, card, read, other)? else {
                    if !is_pending {
                        correction.remove(*entry);
                    }
                    continue;
                };
                if is_pending {
                    let RoomHead { kind, .. } = conversation.head;
                    correction.missing.push(RoomEntry { kind, other: conversation.head.other(user), ..*entry });
                }
                decoding.has_decoded(message_bytes(&conversation)).await;
                match joined_at_ms {
                    Some(joined_at_ms) => uncounted.push((conversation, joined_at_ms)),
                    None => conversations.items.push(conversation),
                }
            }
        }
        self.add_counted(&mut conversations, user, uncounted).await?;
        // Records must be kept while the outcome cannot be read from the rooms.
        if !conversations.is_partial {
            self.correct_room_list(&hints, correction).await;
        }
        for conversation in &mut conversations.items {
            let settings = settings.get(&conversation.head.id.number());
            conversation.settings = settings.map(|text| setting_letters::decode(text)).unwrap_or_default();
        }
        conversations.items.sort_by_key(|it| std::cmp::Reverse((it.active_at_ms, it.head.id.number())));
        self.deleted_users.rename_in(conversations.items.iter_mut().filter_map(|it| it.last_message.as_mut()));
        Ok(conversations)
    }

    /// Counts the unread messages of conversations and adds them to a list. Leaves out those whose shard has become
    /// unavailable.
    async fn add_counted(
        &self,
        conversations: &mut Listing<Conversation>,
        user: UserId,
        uncounted: Vec<Uncounted>,
    ) -> Result<()> {
        let counting = uncounted.into_iter().map(|it| self.count_unread(user, it));
        let mut counting = stream::iter(counting).buffer_unordered(COUNTED_AT_ONCE);
        while let Some(counted) = counting.next().await {
            match counted {
                Ok(conversation) => conversations.items.push(conversation),
                Err(error) if self.has_shards() && error.kind() == Kind::Unavailable => conversations.is_partial = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn count_unread(&self, user: UserId, (conversation, joined_at_ms): Uncounted) -> Result<Conversation> {
        let senders = self.senders(conversation.head.id).await?;
        let (unread, mentions) = senders.unread(user, conversation.read, joined_at_ms.max(self.oldest_ms()));
        Ok(Conversation { unread, mentions, ..conversation })
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
                Some(other) => pipeline.cmd("HMGET").arg(self.keys.user(other)).arg(&["name", "avatar", "bot"]),
                None => pipeline.cmd("ECHO").arg(""),
            };
        }
        pipeline
    }
}

fn message_bytes(conversation: &Conversation) -> usize {
    conversation.last_message.as_ref().map_or(0, |message| message.text.len())
}

/// Reads a reply of `conversation.lua`. The second value is there when unread messages must still be counted: the time since
/// which they count. `None` for a user who is no member.
fn read_conversation(
    entry: RoomEntry,
    card: Value,
    read: Seq,
    other: Option<Other>,
) -> Result<Option<(Conversation, Option<u64>)>> {
    if is_absent(&card) {
        return Ok(None); // the user's list is not up to date
    }
    let items = array(card)?;
    let [
        kind,
        name,
        pair,
        at_ms,
        id,
        record,
        amended,
        Value::Int(unread),
        other_read,
        avatar,
        joined,
        Value::Int(mentions),
    ] = items.as_slice()
    else {
        return Err(Error::internal("a conversation has an unexpected number of fields"));
    };
    let last_message = match is_absent(id) {
        true => None,
        false => amendments::read_amended(entry.room, entry_id(id)?, text(record)?, amended)?,
    };
    let (name, avatar, bot) = match other {
        Some((name, avatar, bot)) => (name.unwrap_or_default(), avatar.unwrap_or_default(), bot),
        None if is_absent(avatar) => (text(name)?.to_owned(), String::new(), None),
        None => (text(name)?.to_owned(), text(avatar)?.to_owned(), None),
    };
    let pair = if is_absent(pair) { None } else { parse_pair(text(pair)?) };
    let read_by_other = if is_absent(other_read) { Seq(0) } else { Runs::parse(text(other_read)?).highest() };
    let is_counted = *unread >= 0;
    let joined_at_ms: f64 = text(joined)?.parse().map_err(Error::internal)?;
    let conversation = Conversation {
        head: RoomHead { id: entry.room, kind: kind_of(text(kind)?)?, pair },
        name,
        avatar,
        is_with_bot: bot == Some(1),
        active_at_ms: text(at_ms)?.parse().map_err(Error::internal)?,
        last_message,
        unread: u64::try_from(*unread).unwrap_or(0),
        mentions: u64::try_from(*mentions).unwrap_or(0),
        settings: ConversationSettings::default(),
        read,
        read_by_other,
    };
    Ok(Some((conversation, (!is_counted).then_some(joined_at_ms as u64))))
}
