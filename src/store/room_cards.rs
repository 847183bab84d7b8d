//! Lists of rooms. What everyone may see of a public room is read at most every two seconds by a node and shared by all
//! callers. Each call asks for its watermark and number of members, and reads again what has changed, except the members of
//! large rooms: other users among these may be two seconds out of date. What a caller is a member of, and the caller's groups,
//! are never shared.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;
use redis::{Pipeline, Value};
use tokio::sync::Semaphore;

use super::decoding::Decoding;
use super::deleted_accounts::DeletedUsers;
use super::joins::pending_room;
use super::redis::reply::{self, array, entry_id, is_absent, next, text, user_id};
use super::redis::scripts::{self, Arg, Call};
use super::room_list::ROOMS_AT_ONCE;
use super::rooms::{State, read_state};
use super::stored::GROUP_SCORE;
use super::{Store, amendments};
use crate::domain::{
    Caller, Error, Limit, ListedRoom, Result, RoomCard, RoomId, RoomKind, UserId, Watermark, fair_share,
};

/// How old the shared members of a room may be.
const SHARED_FOR: Duration = Duration::from_secs(2);
/// Most bytes of cards that a node remembers.
const MAX_SHARED_BYTES: u64 = 64 * 1024 * 1024;
/// Most members of a room that are read together with its card. A room with more of them counts as large.
const MEMBERS_WITH_CARD: usize = 100;

/// How many members a list of rooms shows.
#[derive(Clone, Copy, Debug)]
pub struct MemberBounds {
    /// Of one room.
    pub listed: usize,
    /// Of all rooms together.
    pub answered: usize,
}

impl MemberBounds {
    /// How many members of each of these rooms to show.
    fn share(self, counts: impl Iterator<Item = usize>) -> usize {
        fair_share(counts.map(|count| count.min(self.listed)).collect(), self.answered).min(self.listed)
    }
}

/// A card as it was read.
#[derive(Clone)]
struct ReadCard {
    card: Arc<RoomCard>,
    kind: RoomKind,
    watermark: Watermark,
    /// Number of members, of which the card has the first.
    member_count: usize,
    /// Whether the user for whom it was read is a member.
    is_member: bool,
    read_at: Instant,
}

impl ReadCard {
    /// Whether the members of a room are so few that they are read with every change.
    fn is_small(&self, member_count: usize) -> bool {
        self.member_count.max(member_count) <= MEMBERS_WITH_CARD
    }

    /// Whether a room in this state reads as on the card, but for members of a large one.
    fn is_current(&self, watermark: Watermark, member_count: usize) -> bool {
        self.watermark == watermark && (self.member_count == member_count || !self.is_small(member_count))
    }

    fn bytes(&self) -> u32 {
        let RoomCard { name, description, members, last_message, .. } = &*self.card;
        let message = last_message.as_ref().map_or(0, |message| message.text.len());
        u32::try_from(500 + name.len() + description.len() + message + 8 * members.len()).unwrap_or(u32::MAX)
    }
}

/// The cards of public rooms that the workers of a node share.
#[derive(Clone)]
pub(super) struct SharedCards {
    cards: Cache<RoomId, ReadCard>,
    /// One caller at a time reads what is missing.
    reading: Arc<Semaphore>,
}

impl Default for SharedCards {
    fn default() -> Self {
        let cards = Cache::builder()
            .weigher(|_, card: &ReadCard| card.bytes())
            .max_capacity(MAX_SHARED_BYTES)
            .time_to_live(SHARED_FOR)
            .build();
        Self { cards, reading: Arc::new(Semaphore::new(1)) }
    }
}

impl SharedCards {
    /// The cards that are fresh enough.
    fn of(&self, rooms: &[RoomId]) -> HashMap<RoomId, ReadCard> {
        let fresh = |room: &RoomId| self.cards.get(room).filter(|card| card.read_at.elapsed() < SHARED_FOR);
        rooms.iter().filter_map(|room| Some((*room, fresh(room)?))).collect()
    }

    /// Forgets the card of a room that has changed in what its watermark does not tell.
    pub(super) fn forget(&self, room: RoomId) {
        self.cards.invalidate(&room);
    }

    /// Shares a card unless others may not see it.
    fn put(&self, card: &ReadCard) {
        if card.kind == RoomKind::Public {
            self.cards.insert(card.card.id, card.clone());
        }
    }
}

/// The rooms of a page of a list.
struct ListedRooms {
    public: Vec<RoomId>,
    /// Rooms of the caller that are not listed as public.
    others: Vec<RoomId>,
    /// Rooms of which the caller may be a member.
    own: HashSet<RoomId>,
    next: Option<RoomId>,
}

impl Store {
    /// Lists public rooms and the caller's groups after `after`, sorted by number. The second value is the `after` of the next
    /// page, if there is one. Two round trips for up to 200 rooms of which nothing has changed.
    pub async fn list_rooms(
        &self,
        caller: &Caller,
        after: Option<RoomId>,
        limit: Limit,
        bounds: MemberBounds,
    ) -> Result<(Vec<ListedRoom>, Option<RoomId>)> {
        let rooms = self.listed_rooms(caller, after, limit).await?;
        let shared = self.shared_cards(&rooms.public, bounds).await?;
        let (mut cards, memberships) = self.check_cards(&rooms, shared, caller).await?;
        let others = self.read_cards(&rooms.others, caller.id, bounds).await?;
        // The list of a caller who was removed may still have the group.
        cards.extend(others.into_iter().filter(|(_, it)| match it.kind {
            RoomKind::Public => true,
            RoomKind::Group => it.is_member,
            RoomKind::Direct => false,
        }));
        let share = bounds.share(cards.values().map(|it| it.card.members.len()));
        let list = |ReadCard { card, is_member, .. }: ReadCard| {
            let is_member = memberships.get(&card.id).copied().unwrap_or(is_member);
            ListedRoom { card, caller: caller.id, is_member, members_shown: share }
        };
        let mut listed: Vec<ListedRoom> = cards.into_values().map(list).collect();
        listed.sort_unstable_by_key(|room| room.card.id.number());
        Ok((listed, rooms.next))
    }

    /// The rooms that the caller may list.
    async fn listed_rooms(&self, caller: &Caller, after: Option<RoomId>, limit: Limit) -> Result<ListedRooms> {
        let after = after.map_or(0, RoomId::number);
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.public_rooms()).arg(format!("({after}")).arg("+inf");
        pipeline.arg("LIMIT").arg(0).arg(limit.get() + 1);
        pipeline.cmd("ZRANGEBYSCORE").arg(self.keys.user_rooms(caller.id)).arg(0).arg(GROUP_SCORE);
        pipeline.arg("LIMIT").arg(0).arg(self.room_limits.most_read());
        pipeline.cmd("ZRANGE").arg(self.keys.pending_rooms(caller.id)).arg(0).arg(-1);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let public: Vec<u32> = reply::read(next(&mut replies)?)?;
        let own: Vec<u32> = reply::read(next(&mut replies)?)?;
        let pending: Vec<String> = reply::read(next(&mut replies)?)?;
        let pending = pending.iter().filter_map(|note| pending_room(note)).map(RoomId::number);
        let own: HashSet<u32> = own.into_iter().chain(pending).collect();
        let mut numbers: Vec<u32> =
            own.iter().copied().filter(|number| *number > after).chain(public.clone()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let has_more = numbers.len() > limit.get();
        numbers.truncate(limit.get());
        let public: HashSet<u32> = public.into_iter().collect();
        let (public, others) =
            numbers.iter().filter_map(|it| RoomId::new(*it)).partition(|it| public.contains(&it.number()));
        let last = numbers.last().copied().filter(|_| has_more);
        let own = own.into_iter().filter_map(RoomId::new).collect();
        Ok(ListedRooms { public, others, own, next: last.and_then(RoomId::new) })
    }

    /// The shared cards of public rooms, with as many members as the answer can show. Reads what is missing, once for all who
    /// wait for it.
    async fn shared_cards(&self, rooms: &[RoomId], bounds: MemberBounds) -> Result<HashMap<RoomId, ReadCard>> {
        let shared = self.cards.of(rooms);
        if shared.len() == rooms.len() && lacking_members(&shared, bounds).is_empty() {
            return Ok(shared);
        }
        let _turn = self.cards.reading.acquire().await.map_err(Error::internal)?;
        let mut shared = self.cards.of(rooms);
        let missing: Vec<RoomId> = rooms.iter().copied().filter(|room| !shared.contains_key(room)).collect();
        let share = (bounds.answered / rooms.len().max(1)).clamp(1, MEMBERS_WITH_CARD);
        shared.extend(self.read_heads(&missing, UserId::SERVER, share.min(bounds.listed)).await?);
        self.read_members(&mut shared, bounds).await?;
        shared.values().for_each(|card| self.cards.put(card));
        Ok(shared)
    }

    /// Reads cards of rooms for a user, with as many members as the answer can show.
    async fn read_cards(
        &self,
        rooms: &[RoomId],
        user: UserId,
        bounds: MemberBounds,
    ) -> Result<HashMap<RoomId, ReadCard>> {
        let share = (bounds.answered / rooms.len().max(1)).clamp(1, MEMBERS_WITH_CARD);
        let mut cards = self.read_heads(rooms, user, share.min(bounds.listed)).await?;
        self.read_members(&mut cards, bounds).await?;
        Ok(cards)
    }

    /// Reads cards with their first members.
    async fn read_heads(&self, rooms: &[RoomId], user: UserId, members: usize) -> Result<HashMap<RoomId, ReadCard>> {
        let oldest_ms = self.oldest_ms();
        let (mut cards, mut decoding) = (HashMap::with_capacity(rooms.len()), Decoding::default());
        for some in rooms.chunks(ROOMS_AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(some.len());
            for room in some {
                let keys = self.keys.room(*room);
                let call = Call {
                    script: &scripts::ROOM_CARD,
                    keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments],
                    args: &[Arg::Number(user.0), Arg::Number(members as u64), Arg::Number(oldest_ms)],
                };
                pipeline.add_command(call.by_hash());
            }
            for (room, reply) in some.iter().zip(self.run_message_list(&pipeline, some.len()).await?) {
                if let Some(card) = read_card(*room, reply, &self.deleted_users)? {
                    decoding.has_decoded(card.bytes() as usize).await;
                    cards.insert(*room, card);
                }
            }
        }
        Ok(cards)
    }

    /// Reads members of those rooms whose cards have fewer than the answer can show.
    async fn read_members(&self, cards: &mut HashMap<RoomId, ReadCard>, bounds: MemberBounds) -> Result<()> {
        let lacking = lacking_members(cards, bounds);
        let mut pipeline = Pipeline::with_capacity(lacking.len());
        for (room, wanted) in &lacking {
            pipeline.cmd("ZRANGE").arg(self.keys.room(*room).members).arg(0).arg(wanted - 1);
        }
        if lacking.is_empty() {
            return Ok(());
        }
        for ((room, _), reply) in lacking.iter().zip(self.run_sized(&pipeline, bounds.answered).await?) {
            let Some(read) = cards.get_mut(room) else { continue };
            let members: Vec<u64> = reply::read(reply)?;
            let members = members.into_iter().map(UserId).collect();
            read.card = Arc::new(RoomCard { members, ..RoomCard::clone(&read.card) });
        }
        Ok(())
    }

    /// Asks public rooms for their watermarks, and for the caller where that may be a member. Reads what has changed. Returns
    /// the cards of the rooms that exist, and whether the caller is a member of them.
    async fn check_cards(
        &self,
        rooms: &ListedRooms,
        mut cards: HashMap<RoomId, ReadCard>,
        caller: &Caller,
    ) -> Result<(HashMap<RoomId, ReadCard>, HashMap<RoomId, bool>)> {
        let known: Vec<RoomId> = rooms.public.iter().copied().filter(|room| cards.contains_key(room)).collect();
        let mut memberships: HashMap<RoomId, bool> = known.iter().map(|room| (*room, false)).collect();
        let may_be_member = |room: &&RoomId| {
            rooms.own.contains(*room) || cards.get(*room).is_some_and(|it| it.card.members.contains(&caller.id))
        };
        let own: Vec<RoomId> = known.iter().filter(may_be_member).copied().collect();
        if known.is_empty() {
            return Ok((cards, memberships));
        }
        let mut replies = self.run_list(&self.card_checks(&known, &own, caller)).await?.into_iter();
        for room in own {
            memberships.insert(room, !is_absent(&next(&mut replies)?));
        }
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for room in known {
            let (state, count) = (State::read(room, next(&mut replies)?)?, reply::read(next(&mut replies)?)?);
            let Some(read) = cards.get(&room) else { continue };
            match state {
                None => drop(cards.remove(&room)),
                Some(state) if read.is_current(state.watermark, count) => {}
                Some(_) if read.is_small(count) => small.push(room),
                Some(_) => large.push(room),
            }
        }
        for (room, new) in self.read_heads(&small, UserId::SERVER, MEMBERS_WITH_CARD).await? {
            self.cards.put(&new);
            cards.insert(room, new);
        }
        for (room, new) in self.read_heads(&large, UserId::SERVER, 0).await? {
            let Some(old) = cards.get_mut(&room) else { continue };
            let members = Arc::clone(&old.card.members);
            let card = Arc::new(RoomCard { members, ..RoomCard::clone(&new.card) });
            *old = ReadCard { card, member_count: old.member_count, read_at: old.read_at, ..new };
            self.cards.put(old);
        }
        Ok((cards, memberships))
    }

    fn card_checks(&self, rooms: &[RoomId], own: &[RoomId], caller: &Caller) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(own.len() + 2 * rooms.len());
        for room in own {
            pipeline.cmd("ZSCORE").arg(self.keys.room(*room).members).arg(caller.id.0);
        }
        for room in rooms {
            let keys = self.keys.room(*room);
            read_state(&mut pipeline, &keys.room);
            pipeline.cmd("ZCARD").arg(&keys.members);
        }
        pipeline
    }
}

/// The rooms whose cards have fewer members than the answer can show, and how many these are.
fn lacking_members(cards: &HashMap<RoomId, ReadCard>, bounds: MemberBounds) -> Vec<(RoomId, usize)> {
    let share = bounds.share(cards.values().map(|it| it.member_count));
    let wanted = |it: &ReadCard| it.member_count.min(share);
    let lacking = cards.iter().filter(|(_, it)| it.card.members.len() < wanted(it));
    lacking.map(|(room, it)| (*room, wanted(it))).collect()
}

/// Reads the reply of `room_card.lua`; `None` when there is no such room.
fn read_card(room: RoomId, reply: Value, deleted: &DeletedUsers) -> Result<Option<ReadCard>> {
    if is_absent(&reply) {
        return Ok(None);
    }
    let mut items = array(reply)?.into_iter();
    let state = State::read(room, next(&mut items)?)?.ok_or(Error::RoomNotFound)?;
    let items: Vec<Value> = items.collect();
    let [name, description, created, members, Value::Int(count), is_member, entry, record, amended] = items.as_slice()
    else {
        return Err(Error::internal("a room card has an unexpected number of fields"));
    };
    let Value::Array(listed) = members else { return Err(reply::unexpected(members)) };
    let mut last_message = match is_absent(entry) {
        true => None,
        false => amendments::read_amended(room, entry_id(entry)?, text(record)?, amended)?,
    };
    deleted.rename_in(&mut last_message);
    let card = RoomCard {
        id: room,
        name: text(name)?.to_owned(),
        description: text(description)?.to_owned(),
        members: listed.iter().map(user_id).collect::<Result<_>>()?,
        created_at_ms: text(created)?.parse().map_err(Error::internal)?,
        last_message,
    };
    Ok(Some(ReadCard {
        card: Arc::new(card),
        kind: state.head.kind,
        watermark: state.watermark,
        member_count: usize::try_from(*count).unwrap_or(0),
        is_member: matches!(is_member, Value::Int(1)),
        read_at: Instant::now(),
    }))
}
