//! Rooms: make, join, leave, list.

use redis::{Pipeline, Value};

use super::reply::{self, array, entry_id, is_absent, next, text, user_id};
use super::scripts::{self, Arg, Call, Script};
use super::{SendRate, Store, record};
use crate::domain::{
    Caller, Description, EntryId, Error, Limit, Result, RoomCard, RoomId, RoomKind, RoomName, Seq, UserId, Watermark,
};

const GLOBAL_NAME: &str = "全局聊天室";
const GLOBAL_DESCRIPTION: &str = "所有用户的公共聊天室";

fn word(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Group => "group",
        RoomKind::Direct => "direct",
    }
}

fn kind_of(word: &str) -> Result<RoomKind> {
    Ok(match word {
        "public" => RoomKind::Public,
        "group" => RoomKind::Group,
        "direct" => RoomKind::Direct,
        other => return Err(Error::internal(format!("unknown kind of room {other:?}"))),
    })
}

/// The score of a room among a user's rooms, so that one range finds the rooms of a kind.
fn score(kind: RoomKind) -> u8 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Group => 1,
        RoomKind::Direct => 2,
    }
}

/// What authorisation and conditional requests need to know of a room.
pub(super) struct State {
    pub(super) kind: RoomKind,
    pub(super) watermark: Watermark,
}

/// Adds the command whose reply [`State::read`] takes.
pub(super) fn read_state(pipeline: &mut Pipeline, room_key: &str) {
    pipeline.cmd("HMGET").arg(room_key).arg(&["kind", "seq", "ms", "gone"]);
}

impl State {
    /// The state of a room, or `None` when there is no such room.
    pub(super) fn read(reply: Value) -> Result<Option<Self>> {
        let (kind, seq, at_ms, deletions): (Option<String>, Option<u64>, Option<u64>, Option<u64>) =
            reply::read(reply)?;
        let Some(kind) = kind else { return Ok(None) };
        let last = EntryId { seq: Seq(seq.unwrap_or(0)), at_ms: at_ms.unwrap_or(0) };
        Ok(Some(Self { kind: kind_of(&kind)?, watermark: Watermark { last, deletions: deletions.unwrap_or(0) } }))
    }
}

/// A room that is to be made.
pub struct NewRoom<'a> {
    /// Who may know of it.
    pub kind: RoomKind,
    /// Its name.
    pub name: &'a RoomName,
    /// Its description.
    pub description: &'a Description,
    /// Who makes it: its owner and first member.
    pub owner: &'a Caller,
    /// The server's message that says so.
    pub announcement: &'a str,
}

impl Store {
    /// Makes sure that the global room exists. Every node does this at start; all but the first find it.
    pub async fn ensure_global_room(&self) -> Result<()> {
        let keys = self.keys.room(RoomId::GLOBAL);
        let call = Call {
            script: &scripts::CREATE_ROOM,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.gone, &keys.live],
            args: &[
                Arg::Number(RoomId::GLOBAL.number().into()),
                Arg::Text(word(RoomKind::Public)),
                Arg::Text(GLOBAL_NAME),
                Arg::Text(GLOBAL_DESCRIPTION),
                Arg::Number(UserId::SERVER.0),
                Arg::Text(""),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
            ],
        };
        let mut list = redis::cmd("ZADD");
        list.arg(self.keys.public_rooms()).arg(RoomId::GLOBAL.number()).arg(RoomId::GLOBAL.number());
        let mut count = redis::cmd("SET");
        count.arg(self.keys.room_counter()).arg(RoomId::GLOBAL.number()).arg("NX");
        self.lane.run_script(&call, &[list, count]).await?;
        Ok(())
    }

    /// Makes a room. Listing and the owner's own list follow in a second round trip; when a node dies
    /// between the two, the room is unlisted until someone joins it.
    pub async fn create_room(&self, new: NewRoom<'_>) -> Result<RoomId> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("INCR").arg(self.keys.room_counter());
        let number: u32 = reply::read(next(&mut self.lane.run(&pipeline).await?.into_iter())?)?;
        let room = RoomId::new(number).ok_or_else(|| Error::internal("the counter of rooms is at zero"))?;
        let keys = self.keys.room(room);
        let record = record::encode_system(new.announcement)?;
        let call = Call {
            script: &scripts::CREATE_ROOM,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.gone, &keys.live],
            args: &[
                Arg::Number(number.into()),
                Arg::Text(word(new.kind)),
                Arg::Text(new.name.as_str()),
                Arg::Text(new.description.as_str()),
                Arg::Number(new.owner.id.0),
                Arg::Text(&record),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
                Arg::Number(new.owner.id.0),
            ],
        };
        let (reply, _) = self.lane.run_script(&call, &[]).await?;
        if text(&reply)? != "created" {
            return Err(Error::internal(format!("room {number} exists already")));
        }
        self.note_membership(room, new.owner.id, new.kind).await?;
        Ok(room)
    }

    /// Adds the caller to a public room; a member of any room stays one. Joining counts as a message.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `RateLimited`.
    pub async fn join_room(&self, room: RoomId, caller: &Caller, text: &str, rate: Option<SendRate>) -> Result<()> {
        let reply = self.change_membership(&scripts::JOIN_ROOM, room, caller, text, rate).await?;
        match reply.as_slice() {
            // Noted even when it was so already: mends what a node left that died between the two writes.
            [_, kind] => self.note_membership(room, caller.id, kind_of(self::text(kind)?)?).await,
            _ => Err(Error::RoomNotFound),
        }
    }

    /// Takes the caller out of a room; leaving a public room twice is fine. Leaving counts as a message.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `RateLimited`.
    pub async fn leave_room(&self, room: RoomId, caller: &Caller, text: &str, rate: Option<SendRate>) -> Result<()> {
        let reply = self.change_membership(&scripts::LEAVE_ROOM, room, caller, text, rate).await?;
        if reply.first().map(self::text).transpose()? == Some("no_room") {
            return Err(Error::RoomNotFound);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZREM").arg(self.keys.user_rooms(caller.id)).arg(room.number());
        self.lane.run(&pipeline).await?;
        Ok(())
    }

    async fn change_membership(
        &self,
        script: &'static Script,
        room: RoomId,
        caller: &Caller,
        announcement: &str,
        rate: Option<SendRate>,
    ) -> Result<Vec<Value>> {
        let keys = self.keys.room(room);
        let rate_key = self.keys.rate(room, caller.id);
        let record = record::encode_system(announcement)?;
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let call = Call {
            script,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.gone, &keys.live, &rate_key],
            args: &[
                Arg::Number(caller.id.0),
                Arg::Text(&record),
                Arg::Number(self.retention.max_messages),
                Arg::Number(self.retention.max_age_ms),
                Arg::Number(self.retention.sweep_ms()),
                Arg::Text(&interval),
                Arg::Number(burst_ms),
            ],
        };
        let reply = array(self.lane.run_script(&call, &[]).await?.0)?;
        match reply.as_slice() {
            [_, Value::Int(wait_ms)] => Err(reply::limited(*wait_ms)),
            _ => Ok(reply),
        }
    }

    /// Puts a room into its member's list and a public one into the listing. Idempotent.
    pub(super) async fn note_membership(&self, room: RoomId, user: UserId, kind: RoomKind) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ZADD").arg(self.keys.user_rooms(user)).arg(score(kind)).arg(room.number());
        if kind == RoomKind::Public {
            pipeline.cmd("ZADD").arg(self.keys.public_rooms()).arg(room.number()).arg(room.number());
        }
        self.lane.run(&pipeline).await?;
        Ok(())
    }

    /// The public rooms and the caller's groups in the order of their numbers, from behind `after`: two
    /// round trips however many rooms. The second value says where to go on, if there are more.
    pub async fn list_rooms(
        &self,
        caller: &Caller,
        after: Option<RoomId>,
        limit: Limit,
        members_listed: usize,
    ) -> Result<(Vec<RoomCard>, Option<RoomId>)> {
        let mut rooms = self.listed_rooms(caller, after, limit).await?;
        let has_more = rooms.len() > limit.get();
        rooms.truncate(limit.get());
        let next = rooms.last().copied().filter(|_| has_more);
        Ok((self.room_cards(&rooms, caller, members_listed).await?, next))
    }

    /// Numbers of the rooms that the caller may list, one more than the limit if there are more.
    async fn listed_rooms(&self, caller: &Caller, after: Option<RoomId>, limit: Limit) -> Result<Vec<RoomId>> {
        let after = after.map_or(0, RoomId::number);
        let group = score(RoomKind::Group);
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.public_rooms()).arg(format!("({after}")).arg("+inf");
        pipeline.arg("LIMIT").arg(0).arg(limit.get() + 1);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.user_rooms(caller.id)).arg(group).arg(group);
        let mut replies = self.lane.run(&pipeline).await?.into_iter();
        let public: Vec<u32> = reply::read(next(&mut replies)?)?;
        let groups: Vec<u32> = reply::read(next(&mut replies)?)?;
        let mut numbers: Vec<u32> = public.into_iter().chain(groups.into_iter().filter(|n| *n > after)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(limit.get() + 1);
        Ok(numbers.into_iter().filter_map(RoomId::new).collect())
    }

    async fn room_cards(&self, rooms: &[RoomId], caller: &Caller, members_listed: usize) -> Result<Vec<RoomCard>> {
        let oldest_ms = self.oldest_ms();
        let mut pipeline = Pipeline::with_capacity(rooms.len());
        for room in rooms {
            let keys = self.keys.room(*room);
            let call = Call {
                script: &scripts::ROOM_CARD,
                keys: &[&keys.room, &keys.log, &keys.members, &keys.gone],
                args: &[Arg::Number(caller.id.0), Arg::Number(members_listed as u64), Arg::Number(oldest_ms)],
            };
            pipeline.add_command(call.by_hash());
        }
        let replies = self.run_list(&pipeline).await?;
        let mut cards = Vec::with_capacity(rooms.len());
        for (room, reply) in rooms.iter().zip(replies) {
            if let Some(card) = read_card(*room, caller, members_listed, reply)? {
                cards.push(card);
            }
        }
        Ok(cards)
    }
}

fn read_card(room: RoomId, caller: &Caller, members_listed: usize, reply: Value) -> Result<Option<RoomCard>> {
    if is_absent(&reply) {
        return Ok(None);
    }
    let items = array(reply)?;
    let [kind, name, description, created, members, is_member, entry, record] = items.as_slice() else {
        return Err(Error::internal("a room card of another length"));
    };
    let Value::Array(listed) = members else { return Err(reply::unexpected(members)) };
    let mut members = listed.iter().map(user_id).collect::<Result<Vec<UserId>>>()?;
    let is_member = matches!(is_member, Value::Int(1));
    let is_closed = kind_of(text(kind)?)? != RoomKind::Public;
    if is_closed && !is_member {
        return Ok(None); // left between the two round trips
    }
    if is_member && !members.contains(&caller.id) {
        members.truncate(members_listed.saturating_sub(1));
        members.push(caller.id);
    }
    let last_message = match is_absent(entry) {
        true => None,
        false => Some(record::decode(room, entry_id(entry)?, text(record)?)?),
    };
    Ok(Some(RoomCard {
        id: room,
        name: text(name)?.to_owned(),
        description: text(description)?.to_owned(),
        members,
        created_at_ms: text(created)?.parse().map_err(Error::internal)?,
        last_message,
    }))
}
