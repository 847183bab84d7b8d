//! Creates and finds rooms. `direct_rooms` has those of two users, `room_cards` lists them.

use redis::{Pipeline, Value};

use super::continuity::Counter;
use super::joins::Join;
use super::redis::reply::{self, text};
use super::redis::scripts::{self, Arg, Call};
use super::stored::{RoomEntry, kind_of, parse_pair, word};
use super::{Store, client_ids, numbers, record};
use crate::domain::{
    Caller, Description, EntryId, Error, Listing, NewGroup, Notice, NoticeKind, Result, RoomHead, RoomId, RoomKind,
    RoomName, Seq, UserId, Watermark,
};

const GLOBAL_NAME: &str = "全局聊天室";
const GLOBAL_DESCRIPTION: &str = "所有用户的公共聊天室";

/// The state of a room, for authorisation, encoding and conditional requests.
pub(super) struct State {
    pub(super) head: RoomHead,
    pub(super) watermark: Watermark,
    /// The last message that was announced apart from being stored, because replicas had to receive it first.
    pub(super) announced: Option<Seq>,
    /// Members who are no persons.
    pub(super) bots: Vec<UserId>,
}

/// Adds the command whose reply [`State::read`] reads.
pub(super) fn read_state(pipeline: &mut Pipeline, room_key: &str) {
    pipeline.cmd("HMGET").arg(room_key).arg(&["kind", "seq", "ms", "gone", "pair", "announced", "bots"]);
}

fn bots_of(text: Option<&str>) -> Vec<UserId> {
    text.unwrap_or_default().split(',').filter_map(|number| number.parse().ok().map(UserId)).collect()
}

/// The reply to [`read_state`].
type StateFields = (Option<String>, Option<u64>, Option<u64>, Option<u64>, Option<String>, Option<u64>, Option<String>);

impl State {
    /// Reads the state of a room; `None` when the room does not exist.
    pub(super) fn read(room: RoomId, reply: Value) -> Result<Option<Self>> {
        let (kind, seq, at_ms, revision, pair, announced, bots): StateFields = reply::read(reply)?;
        let Some(kind) = kind else { return Ok(None) };
        let last = EntryId { seq: Seq(seq.unwrap_or(0)), at_ms: at_ms.unwrap_or(0) };
        let head = RoomHead { id: room, kind: kind_of(&kind)?, pair: pair.as_deref().and_then(parse_pair) };
        let watermark = Watermark { last, revision: revision.unwrap_or(0) };
        Ok(Some(Self { head, watermark, announced: announced.map(Seq), bots: bots_of(bots.as_deref()) }))
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
    /// The address of its avatar; may be empty.
    pub avatar: &'a str,
    /// The creator, who becomes owner and first member.
    pub owner: &'a Caller,
    /// Whether it counts among the rooms that its owner creates in a day.
    pub is_counted: bool,
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
        self.list_public_room(RoomId::GLOBAL, None, Some(GLOBAL_NAME)).await?;
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("SET").arg(self.keys.room_counter()).arg(number).arg("NX");
        pipeline.cmd("HSETNX").arg(&key).arg(client_ids::SINCE_FIELD).arg(since_ms);
        pipeline.cmd("HGET").arg(&key).arg(client_ids::SINCE_FIELD);
        let since_ms = self.connection.run(&pipeline).await?.pop().unwrap_or_default();
        self.client_ids_since(reply::read(since_ms)?);
        Ok(())
    }

    /// Creates a room, then adds it to the listing and to the owner's list. When the node fails in between, the room is listed
    /// once the owner's rooms are read.
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
        let (room, created_at_ms, joins) =
            self.make_next(new.kind, &making, new.is_counted.then_some(new.owner.id)).await?;
        if new.kind == RoomKind::Public {
            self.list_public_room(room, None, Some(new.name.as_str())).await?;
        }
        let mut pipeline = Pipeline::with_capacity(4);
        let entry = RoomEntry { room, kind: new.kind, other: None };
        if joins.iter().any(|join| join.is_bot) {
            self.note_bot(room, new.owner.id).await?;
        }
        self.note_joined(&mut pipeline, entry, new.owner.id, Seq(1));
        for join in &joins {
            self.end_join(&mut pipeline, join);
        }
        self.connection.run(&pipeline).await?;
        Ok(NewGroup { id: room, created_at_ms })
    }

    /// Creates a room under the next free number and begins its members' joins. Returns number, time of creation and joins.
    ///
    /// # Errors
    /// `TooManyRooms` when a member is in too many; `RateLimited` when `maker`, for whom the room counts, has made too many
    /// today.
    pub(super) async fn make_next(
        &self,
        kind: RoomKind,
        making: &Making<'_>,
        maker: Option<UserId>,
    ) -> Result<(RoomId, u64, Vec<Join>)> {
        let mut counts_for = maker;
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
            keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.live, &keys.details],
            args: &args,
        };
        match text(&self.writer.run_script_after(before, &call, &[]).await?.0)? {
            "exists" => Ok(None),
            at_ms => at_ms.parse().map(Some).map_err(Error::internal),
        }
    }

    /// Names and kinds of rooms, without those that do not exist.
    pub async fn room_names(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, RoomKind, String)>> {
        self.room_names_partly(rooms).await?.complete()
    }

    /// The same without those whose shard is unavailable.
    pub async fn room_names_partly(&self, rooms: &[RoomId]) -> Result<Listing<(RoomId, RoomKind, String)>> {
        let mut pipeline = Pipeline::with_capacity(rooms.len());
        for room in rooms {
            pipeline.cmd("HMGET").arg(self.keys.room(*room).room).arg(&["kind", "name"]);
        }
        let mut names = Listing::default();
        for (room, reply) in rooms.iter().zip(self.run_partly(&pipeline, pipeline.len()).await?) {
            let Some(reply) = reply else {
                names.is_partial = true;
                continue;
            };
            if let (Some(kind), Some(name)) = reply::read::<(Option<String>, Option<String>)>(reply)? {
                names.items.push((*room, kind_of(&kind)?, name));
            }
        }
        Ok(names)
    }
}
