//! Rooms: creation, membership, lists and search.

use std::collections::HashMap;
use std::sync::Arc;

use super::access::{Action, authorise};
use super::limits::Limits;
use super::uploads::Uploads;
use crate::config::Adding;
use crate::domain::{
    Caller, Conversation, Description, Error, FoundRoom, Limit, ListedRoom, Listing, Member, NameQuery, NewGroup,
    Notice, NoticeKind, Result, RoomId, RoomKind, RoomName, TypedName, UserId, UserRef, folded,
};
use crate::store::{MemberBounds, MemberChange, NewRoom, PictureOwner, Store};

/// Creates, changes, lists and searches rooms.
pub struct Rooms {
    pub(super) store: Store,
    members: MemberBounds,
    pub(super) limits: Arc<Limits>,
    adding: Adding,
    pub(super) uploads: Uploads,
}

impl Rooms {
    pub(super) fn new(
        store: Store,
        members: MemberBounds,
        limits: Arc<Limits>,
        adding: Adding,
        uploads: Uploads,
    ) -> Self {
        Self { store, members, limits, adding, uploads }
    }

    /// Creates a public room with the caller as owner and first member.
    ///
    /// # Errors
    /// `RateLimited`, `TooManyRooms`, `StorageFull`.
    pub async fn create_public(&self, caller: &Caller, name: &RoomName, description: &Description) -> Result<RoomId> {
        let made = self.create(RoomKind::Public, caller, name, description, "").await?;
        Ok(made.id)
    }

    /// Creates a group with the caller as owner and first member.
    ///
    /// # Errors
    /// As [`Self::create_public`].
    pub async fn create_group(
        &self,
        caller: &Caller,
        name: &RoomName,
        description: &Description,
        avatar: &str,
    ) -> Result<NewGroup> {
        self.create(RoomKind::Group, caller, name, description, avatar).await
    }

    async fn create(
        &self,
        kind: RoomKind,
        caller: &Caller,
        name: &RoomName,
        description: &Description,
        avatar: &str,
    ) -> Result<NewGroup> {
        self.limits.check_new_room(caller.id)?;
        let avatar = &self.uploads.stored_picture(avatar).await;
        let group = self
            .store
            .create_room(NewRoom { kind, name, description, avatar, owner: caller, is_counted: true })
            .await?;
        if !avatar.is_empty() {
            self.uploads.keep_picture(PictureOwner::Room(group.id), avatar).await;
        }
        Ok(group)
    }

    /// The direct room of the caller and a user; created at first use.
    ///
    /// # Errors
    /// `DirectRoom` with oneself; `UserNotFound`; `Blocked`, `RateLimited`, `TooManyRooms`, `StorageFull` when it must be
    /// created.
    pub async fn open_direct(&self, caller: &Caller, other: UserId) -> Result<RoomId> {
        if other == caller.id {
            return Err(Error::DirectRoom);
        }
        match self.limits.check_memory() {
            Ok(()) => self.store.open_direct(caller.id, other, true).await,
            Err(full) => self.store.direct_room(caller.id, other).await?.ok_or(full),
        }
    }

    /// The direct room of the caller and a user, if it exists.
    ///
    /// # Errors
    /// `DirectRoom` with oneself; `UserNotFound`.
    pub async fn direct_with(&self, caller: &Caller, other: UserId) -> Result<Option<RoomId>> {
        if other == caller.id {
            return Err(Error::DirectRoom);
        }
        let room = self.store.direct_room(caller.id, other).await?;
        if room.is_none() {
            self.user(other).await?;
        }
        Ok(room)
    }

    /// The user with this name, ignoring case.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn user_named(&self, name: &str) -> Result<UserRef> {
        let name = TypedName::parse(name).ok_or(Error::UserNotFound)?;
        let account = self.store.account_by_name(&name).await?.filter(|account| account.unused_invite.is_none());
        let account = account.ok_or(Error::UserNotFound)?;
        Ok(UserRef { id: account.id, name: account.name })
    }

    /// The user with this id.
    ///
    /// # Errors
    /// `UserNotFound`.
    pub async fn user(&self, id: UserId) -> Result<UserRef> {
        self.store.user(id).await
    }

    /// Adds the caller to a public room; no-op for a member.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `Removed`, `RateLimited`, `TooManyRooms`,
    /// `StorageFull`.
    pub async fn join(&self, room: RoomId, caller: &Caller) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Ok(()); // everyone is a member
        }
        self.limits.check_send(caller.id)?;
        let joined = Notice::by_user(NoticeKind::Joined, caller);
        self.store.add_member(&self.change(room, caller, &joined)).await
    }

    /// Removes the caller from a room; no-op in a public room of which the caller is no member.
    ///
    /// # Errors
    /// `GlobalRoom`, `DirectRoom`, `RateLimited`; `RoomNotFound`, also for closed rooms of which the caller is no member.
    pub async fn leave(&self, room: RoomId, caller: &Caller) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Err(Error::GlobalRoom);
        }
        self.limits.check_change(caller.id)?;
        let left = Notice::by_user(NoticeKind::Left, caller);
        match self.store.remove_member(&self.change(room, caller, &left)).await {
            Err(Error::UserNotFound) => Ok(()), // a public room without the caller
            outcome => outcome,
        }
    }

    /// Adds a user; no-op for a member. In a public room any member may, in a group the owner and admins.
    ///
    /// # Errors
    /// As [`Self::join`] for oneself; `RoomNotFound`, `Forbidden`, `Blocked`, `Unacquainted`, `DirectRoom`, `RateLimited`,
    /// `TooManyRooms`, `StorageFull`.
    pub async fn add_member(&self, room: RoomId, caller: &Caller, user: &UserRef) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Ok(()); // everyone is a member
        }
        if user.id == caller.id {
            return self.join(room, caller).await;
        }
        self.limits.check_send(caller.id)?;
        authorise(&self.store, caller, Action::AddUser { user: user.id, adding: self.adding }).await?;
        let added = Notice::by_other(NoticeKind::Added, caller, user.clone());
        self.store.add_member(&self.change(room, caller, &added)).await
    }

    /// Removes a user, who stays out of a public room until somebody adds them. The owner and admins may; only the owner may
    /// remove an admin. To remove oneself is to leave.
    ///
    /// # Errors
    /// `RoomNotFound`, `UserNotFound`, `Forbidden`, `DirectRoom`, `GlobalRoom`, `RateLimited`.
    pub async fn remove_member(&self, room: RoomId, caller: &Caller, user: UserId) -> Result<()> {
        if room == RoomId::GLOBAL {
            return Err(Error::GlobalRoom);
        }
        if user == caller.id {
            return self.leave(room, caller).await;
        }
        self.limits.check_change(caller.id)?;
        let removed = Notice::by_other(NoticeKind::Removed, caller, self.user(user).await?);
        self.store.remove_member(&self.change(room, caller, &removed)).await
    }

    /// Finishes additions that other nodes left half-done. Called once a minute.
    pub async fn housekeeping(&self) -> Result<()> {
        self.store.finish_joins().await
    }

    pub(super) fn change<'a>(&self, room: RoomId, actor: &'a Caller, notice: &'a Notice) -> MemberChange<'a> {
        MemberChange { room, actor, notice, rate: self.limits.send_rate(), is_imposed: false, link: None }
    }

    /// Makes a member an admin, or an admin an ordinary member.
    ///
    /// # Errors
    /// `RoomNotFound`, `UserNotFound`, `DirectRoom`; `Forbidden` unless the caller owns the room.
    pub async fn set_role(&self, room: RoomId, caller: &Caller, user: UserId, is_admin: bool) -> Result<()> {
        self.store.set_role(room, caller.id, user, is_admin).await
    }

    /// The members of a room in the order of joining, as many as lists show.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member.
    pub async fn members(&self, room: RoomId, caller: &Caller) -> Result<Vec<Member>> {
        self.store.members(room, caller.id, self.members.listed).await
    }

    /// Public rooms and the caller's groups after the room `after`, ordered by number, without those whose shard is away. The
    /// second value is the cursor of the next page.
    pub async fn list(
        &self,
        caller: &Caller,
        after: Option<RoomId>,
        limit: Limit,
    ) -> Result<(Listing<ListedRoom>, Option<RoomId>)> {
        self.store.list_rooms(caller, after, limit, self.members).await
    }

    /// The caller's rooms with their unread counts, latest activity first, without those whose shard is away.
    pub async fn conversations(&self, caller: &Caller) -> Result<Listing<Conversation>> {
        self.store.conversations(caller.id).await
    }

    /// Users whose name has a word that begins with a text, or has the text among its ideographs. Those whose name begins
    /// with it come first.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn find_users(&self, caller: &Caller, query: &NameQuery, limit: Limit) -> Result<Vec<UserRef>> {
        self.limits.check_search(caller.id)?;
        self.store.find_users(query, limit).await
    }

    /// The caller's rooms and then the public rooms whose name matches, as in [`Self::find_users`]. An empty text gives all
    /// public rooms, ordered by name. Rooms whose shard is away are left out.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn find(&self, caller: &Caller, query: &NameQuery, limit: Limit) -> Result<Listing<FoundRoom>> {
        self.limits.check_search(caller.id)?;
        if query.is_empty() {
            return self.public(limit).await;
        }
        let Listing { items: own, mut is_partial } = self.store.rooms_partly(caller.id).await?;
        let others: Vec<UserId> = own.iter().filter_map(|entry| entry.other).collect();
        let names = self.store.names_partly(&others).await?;
        is_partial |= names.is_partial;
        let names: HashMap<UserId, String> = names.items.into_iter().map(|user| (user.id, user.name)).collect();
        let rooms: Vec<RoomId> = own.iter().filter(|entry| entry.other.is_none()).map(|entry| entry.room).collect();
        let Listing { items: mut found, is_partial: lacks_own } = self.named(&rooms).await?;
        for entry in &own {
            let name = entry.other.and_then(|other| names.get(&other));
            found.extend(name.map(|name| FoundRoom { id: entry.room, kind: entry.kind, name: name.clone() }));
        }
        let public = self.store.find_public_rooms(query, limit).await?;
        let new: Vec<RoomId> = public.into_iter().filter(|room| !rooms.contains(room)).collect();
        let Listing { items: mut new, is_partial: lacks_public } = self.named(&new).await?;
        // The index may have a former name.
        new.retain(|room| query.matches(&room.name));
        found.retain(|room| query.matches(&room.name));
        found.append(&mut new);
        found.truncate(limit.get());
        Ok(Listing { items: found, is_partial: is_partial || lacks_own || lacks_public })
    }

    async fn public(&self, limit: Limit) -> Result<Listing<FoundRoom>> {
        let rooms = self.store.find_public_rooms(&NameQuery::new(""), limit).await?;
        let mut rooms = self.named(&rooms).await?;
        rooms.items.sort_by_cached_key(|room| (folded(&room.name), room.id));
        Ok(rooms)
    }

    async fn named(&self, rooms: &[RoomId]) -> Result<Listing<FoundRoom>> {
        let Listing { items, is_partial } = self.store.room_names_partly(rooms).await?;
        let items = items.into_iter().map(|(id, kind, name)| FoundRoom { id, kind, name }).collect();
        Ok(Listing { items, is_partial })
    }
}
