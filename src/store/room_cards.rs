//! Lists of rooms. What everyone may see of a public room is read at most every two seconds by a node and shared by all
//! callers. Each call asks for its watermark and number of members, and reads again what has changed, except the members of
//! large rooms: other users among these may be two seconds out of date. What a caller is a member of, and the caller's groups,
//! are never shared.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use redis::Pipeline;
use tokio::sync::Semaphore;

use super::Store;
use super::decoding::Decoding;
use super::joins::pending_room;
use super::read_card::{Cards, MEMBERS_WITH_CARD, ReadCard, read_card};
use super::redis::reply::{self, is_absent, next};
use super::redis::scripts::{self, Arg, Call};
use super::room_list::ROOMS_AT_ONCE;
use super::rooms::{State, read_state};
use super::stored::GROUP_SCORE;
use crate::domain::{
    Caller, Error, Limit, ListedRoom, Listing, Result, RoomCard, RoomId, RoomKind, UserId, fair_share,
};

/// How old the shared members of a room may be.
const SHARED_FOR: Duration = Duration::from_secs(2);
/// Maximum number of bytes of cards that a node caches.
const MAX_SHARED_BYTES: u64 = 64 * 1024 * 1024;

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

    /// Drops the card of a room that has changed in a way that its watermark does not show.
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
    /// Lists public rooms and the caller's groups after `after`, sorted by number, without those whose shard is away. The second
    /// value is the `after` of the next page, if there is one. Two round trips for up to 200 rooms of which nothing has changed.
    pub async fn list_rooms(
        &self,
        caller: &Caller,
        after: Option<RoomId>,
        limit: Limit,
        bounds: MemberBounds,
    ) -> Result<(Listing<ListedRoom>, Option<RoomId>)> {
        let rooms = self.listed_rooms(caller, after, limit).await?;
        let shared = self.shared_cards(&rooms.public, bounds).await?;
        let (mut cards, memberships) = self.check_cards(&rooms, shared, caller).await?;
        let mut others = self.read_cards(&rooms.others, caller.id, bounds).await?;
        // The list of a caller who was removed may still have the group.
        others.read.retain(|_, it| match it.kind {
            RoomKind::Public => true,
            RoomKind::Group => it.is_member,
            RoomKind::Direct => false,
        });
        cards.extend(others);
        let share = bounds.share(cards.read.values().map(|it| it.card.members.len()));
        let list = |ReadCard { card, is_member, .. }: ReadCard| {
            let is_member = memberships.get(&card.id).copied().unwrap_or(is_member);
            ListedRoom { card, caller: caller.id, is_member, members_shown: share }
        };
        let mut items: Vec<ListedRoom> = cards.read.into_values().map(list).collect();
        items.sort_unstable_by_key(|room| room.card.id.number());
        Ok((Listing { items, is_partial: cards.is_partial }, rooms.next))
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
    async fn shared_cards(&self, rooms: &[RoomId], bounds: MemberBounds) -> Result<Cards> {
        let shared = Cards { read: self.cards.of(rooms), is_partial: false };
        if shared.read.len() == rooms.len() && lacking_members(&shared.read, bounds).is_empty() {
            return Ok(shared);
        }
        let _turn = self.cards.reading.acquire().await.map_err(Error::internal)?;
        let mut shared = Cards { read: self.cards.of(rooms), is_partial: false };
        let missing: Vec<RoomId> = rooms.iter().copied().filter(|room| !shared.read.contains_key(room)).collect();
        let share = (bounds.answered / rooms.len().max(1)).clamp(1, MEMBERS_WITH_CARD);
        shared.extend(self.read_heads(&missing, UserId::SERVER, share.min(bounds.listed)).await?);
        self.read_members(&mut shared, bounds).await?;
        shared.read.values().for_each(|card| self.cards.put(card));
        Ok(shared)
    }

    /// Reads cards of rooms for a user, with as many members as the answer can show.
    async fn read_cards(&self, rooms: &[RoomId], user: UserId, bounds: MemberBounds) -> Result<Cards> {
        let share = (bounds.answered / rooms.len().max(1)).clamp(1, MEMBERS_WITH_CARD);
        let mut cards = self.read_heads(rooms, user, share.min(bounds.listed)).await?;
        self.read_members(&mut cards, bounds).await?;
        Ok(cards)
    }

    /// Reads cards with their first members.
    async fn read_heads(&self, rooms: &[RoomId], user: UserId, members: usize) -> Result<Cards> {
        let oldest_ms = self.oldest_ms();
        let (mut cards, mut decoding) = (Cards::default(), Decoding::default());
        for some in rooms.chunks(ROOMS_AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(some.len());
            for room in some {
                let keys = self.keys.room(*room);
                let call = Call {
                    script: &scripts::ROOM_CARD,
                    keys: &[&keys.room, &keys.log, &keys.members, &keys.amendments, &keys.details],
                    args: &[Arg::Number(user.0), Arg::Number(members as u64), Arg::Number(oldest_ms)],
                };
                pipeline.add_command(call.by_hash());
            }
            for (room, reply) in some.iter().zip(self.run_message_list(&pipeline, some.len()).await?) {
                cards.is_partial |= reply.is_none();
                let card = reply.map(|reply| read_card(*room, reply, &self.deleted_users)).transpose()?;
                if let Some(card) = card.flatten() {
                    decoding.has_decoded(card.bytes() as usize).await;
                    cards.read.insert(*room, card);
                }
            }
        }
        Ok(cards)
    }

    /// Reads members of those rooms whose cards have fewer than the answer can show.
    async fn read_members(&self, cards: &mut Cards, bounds: MemberBounds) -> Result<()> {
        let lacking = lacking_members(&cards.read, bounds);
        let mut pipeline = Pipeline::with_capacity(lacking.len());
        for (room, wanted) in &lacking {
            pipeline.cmd("ZRANGE").arg(self.keys.room(*room).members).arg(0).arg(wanted - 1);
        }
        if lacking.is_empty() {
            return Ok(());
        }
        for ((room, _), reply) in lacking.iter().zip(self.run_partly(&pipeline, bounds.answered).await?) {
            let Some(reply) = reply else {
                cards.leave_out(*room);
                continue;
            };
            let Some(read) = cards.read.get_mut(room) else { continue };
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
        mut cards: Cards,
        caller: &Caller,
    ) -> Result<(Cards, HashMap<RoomId, bool>)> {
        let known: Vec<RoomId> = rooms.public.iter().copied().filter(|room| cards.read.contains_key(room)).collect();
        let mut memberships: HashMap<RoomId, bool> = known.iter().map(|room| (*room, false)).collect();
        let may_be_member = |room: &&RoomId| {
            rooms.own.contains(*room) || cards.read.get(*room).is_some_and(|it| it.card.members.contains(&caller.id))
        };
        let own: Vec<RoomId> = known.iter().filter(may_be_member).copied().collect();
        if known.is_empty() {
            return Ok((cards, memberships));
        }
        let checks = self.card_checks(&known, &own, caller);
        let mut replies = self.run_partly(&checks, checks.len()).await?.into_iter();
        for room in own {
            match next(&mut replies)? {
                Some(score) => drop(memberships.insert(room, !is_absent(&score))),
                None => cards.leave_out(room),
            }
        }
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for room in known {
            let (Some(state), Some(count)) = (next(&mut replies)?, next(&mut replies)?) else {
                cards.leave_out(room);
                continue;
            };
            let (state, count) = (State::read(room, state)?, reply::read(count)?);
            let Some(read) = cards.read.get(&room) else { continue };
            match state {
                None => drop(cards.read.remove(&room)),
                Some(state) if read.is_current(state.watermark, count) => {}
                Some(_) if read.is_small(count) => small.push(room),
                Some(_) => large.push(room),
            }
        }
        self.renew_cards(&mut cards, &small, &large).await?;
        Ok((cards, memberships))
    }

    /// Reads the cards of rooms that have changed, except the members of large ones.
    async fn renew_cards(&self, cards: &mut Cards, small: &[RoomId], large: &[RoomId]) -> Result<()> {
        let former: HashMap<RoomId, ReadCard> =
            small.iter().chain(large).filter_map(|room| cards.read.remove_entry(room)).collect();
        cards.extend(self.read_heads(small, UserId::SERVER, MEMBERS_WITH_CARD).await?);
        cards.extend(self.read_heads(large, UserId::SERVER, 0).await?);
        for room in large {
            let (Some(old), Some(new)) = (former.get(room), cards.read.get_mut(room)) else { continue };
            let members = Arc::clone(&old.card.members);
            new.card = Arc::new(RoomCard { members, ..RoomCard::clone(&new.card) });
            (new.member_count, new.read_at) = (old.member_count, old.read_at);
        }
        small.iter().chain(large).filter_map(|room| cards.read.get(room)).for_each(|card| self.cards.put(card));
        Ok(())
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
