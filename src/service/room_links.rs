//! Links with which users join a room themselves.

use super::Rooms;
use crate::domain::{Caller, LinkId, LinkTerms, LinkToken, LinkedRoom, Notice, NoticeKind, Result, RoomId, RoomLink};
use crate::store::MemberChange;

impl Rooms {
    /// Creates a link to a room. Its owner and admins may; the link works as long as its creator is one of them.
    /// Returns the token, which is not stored, the link's id, and when it expires, UTC milliseconds.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `Forbidden`, `DirectRoom`, `GlobalRoom`,
    /// `TooManyLinks`, `RateLimited`, `StorageFull`.
    pub async fn make_link(&self, room: RoomId, caller: &Caller, terms: LinkTerms) -> Result<(LinkToken, LinkId, u64)> {
        self.limits.check_send(caller.id)?;
        let token = LinkToken::new(room)?;
        let (id, expires_at_ms) = self.store.make_link(&token, caller.id, terms).await?;
        Ok((token, id, expires_at_ms))
    }

    /// The links of a room, the newest first. Its owner and admins may see them.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `Forbidden`, `DirectRoom`.
    pub async fn links(&self, room: RoomId, caller: &Caller) -> Result<Vec<RoomLink>> {
        self.store.links(room, caller.id).await
    }

    /// Revokes a link. The owner and admins of the room may.
    ///
    /// # Errors
    /// As [`Self::links`]; `NotFound`.
    pub async fn revoke_link(&self, room: RoomId, caller: &Caller, id: &LinkId) -> Result<()> {
        self.store.revoke_link(room, caller.id, id).await
    }

    /// What a link shows of its room. Counts as a search, so that nobody tries many tokens.
    ///
    /// # Errors
    /// `LinkInvalid`, `LinkExpired`, `LinkUsedUp`, `RateLimited`; `Removed` when others removed the caller from the room.
    pub async fn linked_room(&self, token: &str, caller: &Caller) -> Result<LinkedRoom> {
        self.limits.check_search(caller.id)?;
        self.store.linked_room(&LinkToken::parse(token)?, caller.id).await
    }

    /// Adds the caller to the room of a link; no-op for a member. Users whom others removed must be added again instead.
    ///
    /// # Errors
    /// As [`Self::linked_room`]; `TooManyRooms`, `StorageFull`.
    pub async fn join_by_link(&self, token: &str, caller: &Caller) -> Result<LinkedRoom> {
        self.limits.check_send(caller.id)?;
        let room = self.linked_room(token, caller).await?;
        if room.is_member {
            return Ok(room);
        }
        let token = LinkToken::parse(token)?;
        let joined = Notice::by_user(NoticeKind::Joined, caller);
        let change = MemberChange { link: Some(&token), ..self.change(room.id, caller, &joined) };
        self.store.add_member(&change).await?;
        Ok(LinkedRoom { is_member: true, members: room.members + 1, ..room })
    }
}
