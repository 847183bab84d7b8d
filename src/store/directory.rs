//! Lists of all users and all rooms, for administrators.

use redis::Pipeline;

use super::Store;
use super::members::member_of;
use super::redis::reply::{self, next};
use super::stored::kind_of;
use crate::domain::{
    Account, Error, Field, Limit, Member, Result, RoomId, RoomKind, RoomSummary, UserId, folded, from_hex, hex,
    searchable,
};

/// Numbers of rooms that are read for one page. Numbers were skipped wherever Redis may have lost some.
const NUMBERS_AT_ONCE: u32 = 1000;

/// Names under which clients show the global room, besides the stored one.
const GLOBAL_NAMES: [&str; 2] = ["global", "lobby"];

/// The fields of a room in the list.
type RoomFields = (Option<String>, Option<String>, Option<u64>, Option<u64>);

/// Whether a name of a room has a text in it, as searches compare texts.
fn has_name(room: &RoomSummary, text: &str) -> bool {
    let is_global = room.id == RoomId::GLOBAL;
    searchable(&room.name).contains(text) || is_global && GLOBAL_NAMES.iter().any(|name| name.contains(text))
}

impl Store {
    /// Users whose name begins with a text, ordered by name, behind a cursor: two round trips. The second value is the
    /// cursor of the next page.
    ///
    /// # Errors
    /// `Invalid(Cursor)`.
    pub async fn list_accounts(
        &self,
        start: &str,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<(Vec<Account>, Option<String>)> {
        let start = folded(start);
        let cursor = cursor.map(|cursor| from_hex(cursor).ok_or(Error::Invalid(Field::Cursor))).transpose()?;
        let first = match &cursor {
            Some(entry) if !entry.starts_with(start.as_bytes()) => return Err(Error::Invalid(Field::Cursor)),
            Some(entry) => [b"(".as_slice(), entry].concat(),
            None => [b"[", start.as_bytes()].concat(),
        };
        let end = [b"(", start.as_bytes(), &[0xff]].concat(); // does not occur in UTF-8
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.user_names()).arg(first).arg(end);
        pipeline.arg(&["BYLEX", "LIMIT", "0"]).arg(limit.get() + 1);
        let mut entries: Vec<String> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let has_more = entries.len() > limit.get();
        entries.truncate(limit.get());
        let cursor = entries.last().filter(|_| has_more).map(|entry| hex(entry.as_bytes()));
        let number = |entry: &String| entry.rsplit_once('\0')?.1.parse().ok().map(UserId);
        Ok((self.accounts(&entries.iter().filter_map(number).collect::<Vec<_>>()).await?, cursor))
    }

    async fn accounts(&self, users: &[UserId]) -> Result<Vec<Account>> {
        let mut pipeline = Pipeline::with_capacity(users.len());
        for user in users {
            pipeline.cmd("HGETALL").arg(self.keys.user(*user));
        }
        let mut accounts = Vec::with_capacity(users.len());
        for (user, reply) in users.iter().zip(self.run_list(&pipeline).await?) {
            accounts.extend(Self::read_account(*user, reply)?);
        }
        Ok(accounts)
    }

    /// Groups and public rooms behind a room whose name has a text in it, ordered by number: two round trips. The second
    /// value is the cursor of the next page, unless no room has a higher number. A page may have fewer rooms than asked
    /// for, or none.
    pub async fn all_rooms(
        &self,
        text: &str,
        after: Option<RoomId>,
        limit: Limit,
    ) -> Result<(Vec<RoomSummary>, Option<RoomId>)> {
        let after = after.map_or(0, RoomId::number);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.keys.room_counter());
        let last: Option<u32> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let last = last.unwrap_or(0);
        let upper = after.saturating_add(NUMBERS_AT_ONCE).min(last);
        let numbers: Vec<RoomId> = (after.saturating_add(1)..=upper).filter_map(RoomId::new).collect();
        let mut found = self.summaries(&numbers).await?;
        let text = searchable(text.trim());
        found.retain(|room| has_name(room, &text));
        let is_cut = found.len() > limit.get();
        found.truncate(limit.get());
        let reached = if is_cut { found.last().map_or(upper, |room| room.id.number()) } else { upper };
        let next = RoomId::new(reached).filter(|room| room.number() < last);
        Ok((found, next))
    }

    /// Members of a group or public room in the order of joining, from a position in the list: two round trips. The second
    /// value is the position of the next page.
    ///
    /// # Errors
    /// `RoomNotFound`, `DirectRoom`.
    pub async fn members_from(&self, room: RoomId, from: usize, limit: Limit) -> Result<(Vec<Member>, Option<usize>)> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("HMGET").arg(&keys.room).arg(&["kind", "owner"]);
        pipeline.cmd("ZRANGE").arg(&keys.members).arg(from).arg(from + limit.get());
        pipeline.cmd("SMEMBERS").arg(&keys.admins);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let (kind, owner): (Option<String>, Option<u64>) = reply::read(next(&mut replies)?)?;
        if kind_of(&kind.ok_or(Error::RoomNotFound)?)? == RoomKind::Direct {
            return Err(Error::DirectRoom);
        }
        let mut users: Vec<u64> = reply::read(next(&mut replies)?)?;
        let admins: Vec<u64> = reply::read(next(&mut replies)?)?;
        let position = (users.len() > limit.get()).then_some(from + limit.get());
        users.truncate(limit.get());
        let users: Vec<UserId> = users.into_iter().map(UserId).collect();
        let cards = self.cards(&users).await?;
        Ok((cards.into_iter().map(|card| member_of(card, owner, &admins)).collect(), position))
    }

    async fn summaries(&self, rooms: &[RoomId]) -> Result<Vec<RoomSummary>> {
        let mut pipeline = Pipeline::with_capacity(2 * rooms.len());
        for room in rooms {
            let keys = self.keys.room(*room);
            pipeline.cmd("HMGET").arg(keys.room).arg(&["kind", "name", "owner", "created"]);
            pipeline.cmd("ZCARD").arg(keys.members);
        }
        let mut replies = self.run_list(&pipeline).await?.into_iter();
        let mut found = Vec::new();
        for room in rooms {
            let (kind, name, owner, created): RoomFields = reply::read(next(&mut replies)?)?;
            let members = reply::read(next(&mut replies)?)?;
            let Some(kind) = kind.as_deref().map(kind_of).transpose()? else { continue };
            if kind == RoomKind::Direct {
                continue;
            }
            let owner = owner.map(UserId).filter(|owner| *owner != UserId::SERVER);
            let (name, created_at_ms) = (name.unwrap_or_default(), created.unwrap_or(0));
            found.push(RoomSummary { id: *room, kind, name, owner, members, created_at_ms });
        }
        Ok(found)
    }
}
