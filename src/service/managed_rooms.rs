//! Rooms that administrators and applications make, and the members that they add.

use super::access::Action;
use super::audit::{Act, Operator, Target, record};
use super::rooms::Rooms;
use crate::domain::{Caller, Description, Error, Notice, NoticeKind, Result, RoomId, RoomKind, RoomName, UserId};
use crate::store::{MemberChange, NewRoom};

impl Rooms {
    /// Creates a group or a public room, which no rate limits. Its owner and first member is the operator unless it is to be
    /// somebody else.
    ///
    /// # Errors
    /// `Forbidden`, `UserNotFound`, `StorageFull`; `TooManyRooms` when the owner is in too many.
    pub async fn create_for(
        &self,
        operator: &Operator<'_>,
        kind: RoomKind,
        (name, description): (&RoomName, &Description),
        owner: Option<UserId>,
    ) -> Result<RoomId> {
        operator.authorise(&self.store, Action::MakeRoom).await?;
        self.limits.check_memory()?;
        let owner = match owner {
            Some(user) => {
                let user = self.store.user(user).await?;
                Caller { id: user.id, name: user.name, logged_in_at_secs: 0 }
            }
            None => operator.caller().cloned().ok_or(Error::Forbidden)?,
        };
        record(&self.store, operator, Act::AddRoom, Some(Target::User(owner.user_ref()))).await?;
        let new = NewRoom { kind, name, description, avatar: "", owner: &owner, is_counted: false };
        self.store.create_room(new).await.map(|made| made.id)
    }

    /// Adds a user to a group or a public room, which no rate limits; no-op for a member. The operator need not be one.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `UserNotFound`, `DirectRoom`, `TooManyRooms`, `StorageFull`.
    pub async fn add_for(&self, operator: &Operator<'_>, room: RoomId, user: UserId) -> Result<()> {
        operator.authorise(&self.store, Action::AddAnyMember).await?;
        self.limits.check_memory()?;
        let actor = operator.caller().ok_or(Error::Forbidden)?;
        let (_, kind, name) = self.store.room_names(&[room]).await?.pop().ok_or(Error::RoomNotFound)?;
        if kind == RoomKind::Direct {
            return Err(Error::DirectRoom);
        }
        let user = self.store.user(user).await?;
        record(&self.store, operator, Act::AddMember, Some(Target::Room(room, name))).await?;
        if room == RoomId::GLOBAL {
            return Ok(()); // everyone is a member
        }
        let notice = match actor.id == user.id {
            true => Notice::by_user(NoticeKind::Joined, actor),
            false => Notice::by_other(NoticeKind::Added, actor, user),
        };
        let change = MemberChange { room, actor, notice: &notice, rate: None, is_imposed: true, link: None };
        self.store.add_member(&change).await
    }
}
