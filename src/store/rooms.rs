//! Creates, finds and lists rooms. `direct_rooms` has those of two users.

use redis::{Pipeline, Value};

use super::continuity::Counter;
use super::joins::Join;
use super::redis::reply::{self, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::stored::{GROUP_SCORE, RoomEntry, kind_of, parse_pair, word};
use super::{Store, amendments, client_ids, numbers, record};
use crate::domain::{
    Caller, Description, EntryId, Error, Limit, NewGroup, Notice, NoticeKind, Result, RoomCard, RoomHead, RoomId,
    RoomKind, RoomName, Seq, UserId, Watermark,
};

const GLOBAL_NAME: &str = "全局聊天室";
const GLOBAL_DESCRIPTION: &str = "所有用户的公共聊天室";

/// The state of a room, for authorisation, encoding and conditional requests.
pub(super) struct State {
    pub(super) head: RoomHead,
    pub(super) watermark: Watermark,
    /// The last message that was announced apart from being stored, because replicas had to receive it first.
    pub(super) announced: Option<Seq>,
}

/// Adds the command whose reply [`State::read`] reads.
pub(super) fn read_state(pipeline: &mut Pipeline, room_key: &str) {
    pipeline.cmd("HMGET").arg(room_key).arg(&["kind", "seq", "ms", "gone", "pair", "announced"]);
}

/// The reply to [`read_state`].
type StateFields = (Option<String>, Option<u64>, Option<u64>, Option<u64>, Option<String>, Option<u64>);

impl State {
    /// Reads the state of a room; `None` when the room does not exist.
    pub(super) fn read(room: RoomId, reply: Value) -> Result<Option<Self>> {
        let (kind, seq, at_ms, revision, pair, announced): StateFields = reply::read(reply)?;
        let Some(kind) = kind else { return Ok(None) };
        let last = EntryId { seq: Seq(seq.unwrap_or(0)), at_ms: at_ms.unwrap_or(0) };
        let head = RoomHead { id: room, kind: kind_of(&kind)?, pair: pair.as_deref().and_then(parse_pair) };
        let watermark = Watermark { last, revision: revision.unwrap_or(0) };
        Ok(Some(Self { head, watermark, announced: announced.map(Seq) }))
    }
}

/// A room to create.
pub struct NewRoom<'a> {
    /// Its visibility.
    pub kind: RoomKind,
    /// Its name.
    pub name: &'a RoomName,
    /// Its description.
    pub description: &'a Description,
    /// The address of its picture; may be empty.
    pub avatar: &'a str,
    /// The creator, who becomes owner and first member.
    pub owner: &'a Caller,
}

/// Contents of a new room: the fields of its hash, and its first members.
#[derive(Default)]
pub(super) struct Making<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) avatar: &'a str,
    pub(super) owner: u64,
    pub(super) pair: &'a str,
    pub(super) record: &'a str,
    pub(super) members: &'a [UserId],
}

impl Store {
    /// Creates the global room unless it exists. Every node calls it at its start, and when the room is missing.
    pub async fn ensure_global_room(&self) -> Result<()> {
        let making = Making { name: GLOBAL_NAME, description: GLOBAL_DESCRIPTION, ..Making::default() };
        let made_at_ms = self.unreplicated().make(RoomId::GLOBAL, RoomKind::Public, &making, &[]).await?;
        if let Some(created_at_ms) = made_at_ms {
            self.note_founding(created_at_ms);
        }
        let number = RoomId::GLOBAL.number();
        let key = self.keys.room(RoomId::GLOBAL).room;
        // Existing data may hold client ids of the previous version.
        let since_ms = if made_at_ms.is_some() { 0 } else { self.now_ms() };
        let mut pipeline = Pipeline::with_capacity(5);
        pipeline.cmd("ZADD").arg(self.keys.public_rooms()).arg(number).arg(number);
        pipeline.cmd("SET").arg(self.keys.room_counter()).arg(number).arg("NX");
        self.index_room(&mut pipeline, RoomId::GLOBAL, GLOBAL_NAME);
        pipeline.cmd("HSETNX").arg(&key).arg(client_ids::SINCE_FIELD).arg(since_ms);
        pipeline.cmd("HGET").arg(&key).arg(client_ids::SINCE_FIELD);
        let since_ms = self.connection.run(&pipeline).await?.pop().unwrap_or_default();
        self.client_ids_since(reply::read(since_ms)?);
        Ok(())
    }

    /// Creates a room, then adds it to the listing and to the owner's list in a second round trip. When the node fails in
    /// between, the room is listed once the owner's rooms are read.
    pub async fn create_room(&self, new: NewRoom<'_>) -> Result<NewGroup> {
        let making = Making {
            name: new.name.as_str(),
            description: new.description.as_str(),
            avatar: new.avatar,
            owner: new.owner.id.0,
            pair: "",
            record: &record::encode_notice(&Notice::by_user(NoticeKind::Created, new.owner))?,
            members: &[new.owner.id],
        };
        let (room, created_at_ms, joins) = self.make_next(new.kind, &making, new.owner.id).await?;
        let mut pipeline = Pipeline::with_capacity(7);
        let entry = RoomEntry { room, kind: new.kind, other: None };
        self.note_joined(&mut pipeline, entry, new.owner.id, Seq(1));
        for join in &joins {
            self.end_join(&mut pipeline, join);
        }
        if new.kind == RoomKind::Public {
            self.index_room(&mut pipeline, room, new.name.as_str());
        }
        self.connection.run(&pipeline).await?;
        Ok(NewGroup { id: room, created_at_ms })
    }

    /// Creates a room under the next free number and begins its members' joins. Returns number, time of creation and joins.
    ///
    /// # Errors
    /// `TooManyRooms` when a member is in too many; `RateLimited` when `maker` has made too many today.
    pub(super) async fn make_next(
        &self,
        kind: RoomKind,
        making: &Making<'_>,
        maker: UserId,
    ) -> Result<(RoomId, u64, Vec<Join>)> {
        let mut counts_for = Some(maker);
        for step in numbers::steps() {
            let number = u32::try_from(self.next_number(Counter::Rooms, step).await?).map_err(Error::internal)?;
            let Some(room) = RoomId::new(number).filter(|room| *room != RoomId::GLOBAL) else { continue };
            let joins = self.begin_joins(room, making.members, counts_for.take()).await?;
            let before: Vec<redis::Cmd> = joins.iter().map(|join| join.entering.clone()).collect();
            if let Some(created_at_ms) = self.make(room, kind, making, &before).await? {
                return Ok((room, created_at_ms, joins));
            }
            self.abandon_joins(&joins, &Error::RoomNotFound).await;
        }
        Err(numbers::exhausted())
    }

    /// Creates a room behind the commands `before`. Returns the time of creation, or `None` when the number is taken.
    async fn make(
        &self,
        room: RoomId,
        kind: RoomKind,
        making: &Making<'_>,
        before: &[redis::Cmd],
    ) -> Result<Option<u64>> {
        let keys = self.keys.room(room);
        let mut args = vec![
            Arg::Number(room.number().into()),
            Arg::Text(word(kind)),
            Arg::Text(making.name),
            Arg::Text(making.description),
            Arg::Text(making.avatar),
            Arg::Number(making.owner),
            Arg::Text(making.pair),
            Arg::Text(making.record),
            Arg::Number(self.retention.max_messages),
            Arg::Number(self.retention.max_age_ms),
            Arg::Number(self.retention.sweep_ms()),
        ];
        args.extend(making.members.iter().map(|user| Arg::Number(user.0)));
        let call = Call {
            script: &scripts::CREATE_ROOM,
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.live],
            args: &args,
        };
        match text(&self.writer.run_script_after(before, &call, &[]).await?.0)? {
            "exists" => Ok(None),
            at_ms => at_ms.parse().map(Some).map_err(Error::internal),
        }
    }

    /// Names and kinds of rooms, without those that do not exist.
    pub async fn room_names(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, RoomKind, String)>> {
        let mut pipeline = Pipeline::with_capacity(rooms.len());
        for room in rooms {
            pipeline.cmd("HMGET").arg(self.keys.room(*room).room).arg(&["kind", "name"]);
        }
        let mut names = Vec::with_capacity(rooms.len());
        for (room, reply) in rooms.iter().zip(self.run_list(&pipeline).await?) {
            if let (Some(kind), Some(name)) = reply::read::<(Option<String>, Option<String>)>(reply)? {
                names.push((*room, kind_of(&kind)?, name));
            }
        }
        Ok(names)
    }

    /// Lists public rooms and the caller's groups after `after`, sorted by number: two round trips for any number of rooms.
    /// The second value is the `after` of the next page, if there is one.
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

    /// The rooms that the caller may list, one more than the limit if there are more.
    async fn listed_rooms(&self, caller: &Caller, after: Option<RoomId>, limit: Limit) -> Result<Vec<RoomId>> {
        let after = after.map_or(0, RoomId::number);
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.public_rooms()).arg(format!("({after}")).arg("+inf");
        pipeline.arg("LIMIT").arg(0).arg(limit.get() + 1);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.user_rooms(caller.id)).arg(GROUP_SCORE).arg(GROUP_SCORE);
        pipeline.cmd("ZRANGE").arg(self.keys.pending_rooms(caller.id)).arg(0).arg(-1);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let public: Vec<u32> = reply::read(next(&mut replies)?)?;
        let groups: Vec<u32> = reply::read(next(&mut replies)?)?;
        let pending: Vec<String> = reply::read(next(&mut replies)?)?;
        let pending = pending.iter().filter_map(|note| pending_room(note)).map(RoomId::number);
        let own = groups.into_iter().chain(pending).filter(|number| *number > after);
        let mut numbers: Vec<u32> = public.into_iter().chain(own).collect();
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
                keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments],
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
    let [kind, name, description, created, members, is_member, entry, record, amended] = items.as_slice() else {
        return Err(Error::internal("a room card has an unexpected number of fields"));
    };
    let Value::Array(listed) = members else { return Err(reply::unexpected(members)) };
    let mut members = listed.iter().map(user_id).collect::<Result<Vec<UserId>>>()?;
    let is_member = matches!(is_member, Value::Int(1));
    let is_hidden = match kind_of(text(kind)?)? {
        RoomKind::Public => false,
        RoomKind::Group => !is_member, // the caller's list is not up to date
        RoomKind::Direct => true,
    };
    if is_hidden {
        return Ok(None);
    }
    if is_member && !members.contains(&caller.id) {
        members.truncate(members_listed.saturating_sub(1));
        members.push(caller.id);
    }
    let last_message = match is_absent(entry) {
        true => None,
        false => amendments::read_amended(room, entry_id(entry)?, text(record)?, amended)?,
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
