//! Webhooks: made, listed and removed by the owner and admins of their room and on the command line.

use std::collections::HashMap;

use secrecy::ExposeSecret;

use super::access::{Action, authorise};
use super::accounts::Accounts;
use super::audit::{Act, Operator, Target, record};
use super::hook_makers::may_have_hooks;
use crate::domain::{
    Account, AccountOrigin, Caller, Error, HookHealth, HookId, HookOrigin, HookToken, IncomingHook, OutgoingHook,
    Result, RoomId, RoomKind, UserId, UserName,
};
use crate::outbound::Outbound;
use crate::store::RoomHooks;

/// A webhook in a list, which has no secrets.
#[derive(Clone, Debug)]
pub enum ListedHook {
    /// One through which others post, and when it was last used, UTC milliseconds.
    Incoming(IncomingHook, Option<u64>),
    /// One to which messages are sent.
    Outgoing(OutgoingHook, HookHealth),
}

impl ListedHook {
    /// Its id.
    pub fn id(&self) -> &HookId {
        match self {
            Self::Incoming(hook, _) => &hook.id,
            Self::Outgoing(hook, _) => &hook.id,
        }
    }

    fn made_by(&self) -> UserId {
        match self {
            Self::Incoming(hook, _) => hook.origin.made_by,
            Self::Outgoing(hook, _) => hook.origin.made_by,
        }
    }

    fn room(&self) -> Option<RoomId> {
        match self {
            Self::Incoming(hook, _) => Some(hook.room),
            Self::Outgoing(hook, _) => hook.room,
        }
    }
}

/// Makes and removes webhooks.
pub struct Hooks {
    accounts: Accounts,
    outbound: Outbound,
}

impl Hooks {
    /// Webhooks whose accounts are these.
    pub fn new(accounts: Accounts, outbound: Outbound) -> Self {
        Self { accounts, outbound }
    }

    /// Creates a webhook through which others post into a room, under a name that no user has. The account with the
    /// name does not become a member.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `DirectRoom`, `RateLimited`; `NameTaken`, also by an account of the room's webhooks that
    /// was banned or deleted; `StorageFull` when there are too many webhooks, or were too many names.
    pub async fn create_incoming(
        &self,
        operator: &Operator<'_>,
        room: RoomId,
        name: &UserName,
    ) -> Result<(HookToken, IncomingHook)> {
        self.admit(operator, Some(room)).await?;
        let bot = self.account(operator, room, name).await?;
        let (id, token) = (HookId::new()?, HookToken::new()?);
        let hook = IncomingHook { id, room, name: bot.name, bot: bot.id, origin: self.origin(operator) };
        self.accounts.store.create_incoming_hook(&token, &hook).await?;
        self.check_room(room).await?;
        Ok((token, hook))
    }

    /// The account under whose name webhooks of a room post. A new one counts as a room that the operator makes, because it
    /// stays as well.
    async fn account(&self, operator: &Operator<'_>, room: RoomId, name: &UserName) -> Result<Account> {
        let store = &self.accounts.store;
        let is_new = store.reserve_hook_name(room, name).await?;
        let providing = async {
            if let (true, Some(caller)) = (is_new, operator.caller()) {
                store.count_made(caller.id).await?;
            }
            let origin = AccountOrigin::of_hook(room.number(), name.as_str());
            self.accounts.provide(origin, std::slice::from_ref(name)).await
        };
        match providing.await {
            Ok(account) if account.is_banned => Err(Error::NameTaken),
            Ok(account) => {
                store.mark_bot(account.id).await?;
                store.readmit(room, account.id).await?;
                Ok(account)
            }
            Err(Error::UserNotFound) => Err(Error::NameTaken),
            Err(error @ (Error::NameTaken | Error::RateLimited { .. })) if is_new => {
                store.release_hook_name(room, name).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Creates a webhook to which the messages of a room are sent from now on, or those of all groups and public rooms.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `DirectRoom`, `RateLimited`, `StorageFull`; `Invalid(Url)`; `AddressRefused`.
    pub async fn create_outgoing(
        &self,
        operator: &Operator<'_>,
        room: Option<RoomId>,
        url: &str,
    ) -> Result<OutgoingHook> {
        self.admit(operator, room).await?;
        let url = url.parse()?;
        if !self.outbound.may_reach(&url) {
            return Err(Error::AddressRefused);
        }
        let (id, secret) = (HookId::new()?, OutgoingHook::new_secret()?);
        let hook = OutgoingHook { id, room, url, secret, origin: self.origin(operator) };
        self.accounts.store.create_outgoing_hook(&hook).await?;
        if let Some(room) = room {
            self.check_room(room).await?;
        }
        Ok(hook)
    }

    /// The webhooks of a room; without one, all. Counts as a search.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `DirectRoom`, `RateLimited`.
    pub async fn list(&self, operator: &Operator<'_>, room: Option<RoomId>) -> Result<Vec<ListedHook>> {
        if let Some(caller) = operator.caller() {
            self.accounts.limits.check_search(caller.id)?;
        }
        self.authorise(operator, room).await?;
        self.read(room).await
    }

    async fn read(&self, room: Option<RoomId>) -> Result<Vec<ListedHook>> {
        let store = &self.accounts.store;
        let RoomHooks { incoming, outgoing } = match room {
            Some(room) => store.hooks_of(room).await?,
            None => {
                let (incoming, outgoing, mut health) =
                    tokio::try_join!(store.incoming_hooks(), store.outgoing_hooks(), store.hooks_health())?;
                let with_health = |hook: OutgoingHook| {
                    let health = health.remove(hook.id.as_str()).unwrap_or_default();
                    (hook, health)
                };
                RoomHooks { incoming, outgoing: outgoing.into_iter().map(with_health).collect() }
            }
        };
        let incoming = incoming.into_iter().map(|(hook, used)| ListedHook::Incoming(hook, used));
        Ok(incoming.chain(outgoing.into_iter().map(|(hook, health)| ListedHook::Outgoing(hook, health))).collect())
    }

    /// The same with, for each, whether it is paused: its maker may have no webhook in the room any more.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn list_with_pauses(
        &self,
        operator: &Operator<'_>,
        room: Option<RoomId>,
    ) -> Result<Vec<(ListedHook, bool)>> {
        let (mut known, mut listed) = (HashMap::new(), Vec::new());
        for hook in self.list(operator, room).await? {
            let is_paused = match hook.room() {
                // Only the command line makes those of all rooms.
                None => false,
                Some(room) => {
                    let by = (hook.made_by(), room);
                    match known.get(&by) {
                        Some(is_paused) => *is_paused,
                        None => {
                            let is_paused = !may_have_hooks(&self.accounts.store, by.0, room).await?;
                            known.insert(by, is_paused);
                            is_paused
                        }
                    }
                }
            };
            listed.push((hook, is_paused));
        }
        Ok(listed)
    }

    /// The state of all outgoing webhooks, those first that have failed longest. For the dashboard.
    ///
    /// # Errors
    /// `Forbidden`; `Unavailable`.
    pub async fn health(&self, caller: &Caller) -> Result<Vec<(OutgoingHook, HookHealth)>> {
        let store = &self.accounts.store;
        authorise(store, caller, Action::SeeFigures).await?;
        let (hooks, mut health) = tokio::try_join!(store.outgoing_hooks(), store.hooks_health())?;
        let with_health = |hook: OutgoingHook| {
            let health = health.remove(hook.id.as_str()).unwrap_or_default();
            (hook, health)
        };
        let mut found: Vec<_> = hooks.into_iter().map(with_health).collect();
        found.sort_by_key(|(_, health)| health.failing_since_ms.unwrap_or(u64::MAX));
        Ok(found)
    }

    /// Removes a webhook: one of this room; without a room, any. Its account and its messages stay.
    ///
    /// # Errors
    /// `Forbidden`, `RoomNotFound`, `DirectRoom`; `NotFound`.
    pub async fn remove(&self, operator: &Operator<'_>, room: Option<RoomId>, id: &HookId) -> Result<()> {
        self.authorise(operator, room).await?;
        let all = self.read(room).await?;
        let hook = all.iter().find(|hook| hook.id() == id).ok_or(Error::NotFound)?;
        self.record(operator, Act::RemoveHook, hook.room()).await?;
        self.accounts.store.remove_hook(hook.room(), id, hook.made_by()).await
    }

    /// Checks that one more webhook may be made, and records that it is.
    async fn admit(&self, operator: &Operator<'_>, room: Option<RoomId>) -> Result<()> {
        match operator.caller() {
            Some(caller) => self.accounts.limits.check_new_room(caller.id)?,
            None => self.accounts.limits.check_memory()?,
        }
        self.authorise(operator, room).await?;
        self.record(operator, Act::CreateHook, room).await
    }

    /// Checks that the room of a new webhook still exists. If it was removed meanwhile, its webhooks were perhaps removed
    /// before this one was stored.
    async fn check_room(&self, room: RoomId) -> Result<()> {
        let store = &self.accounts.store;
        if store.room_names(&[room]).await?.is_empty() {
            store.remove_hooks_of(room).await?;
            return Err(Error::RoomNotFound);
        }
        Ok(())
    }

    async fn authorise(&self, operator: &Operator<'_>, room: Option<RoomId>) -> Result<()> {
        let action = room.map_or(Action::ManageAllHooks, Action::ManageHooks);
        operator.authorise(&self.accounts.store, action).await
    }

    /// Records what the command line does, and what administrators do in rooms that others lead. What owners and admins do
    /// in their own room is not in the audit log.
    async fn record(&self, operator: &Operator<'_>, act: Act, room: Option<RoomId>) -> Result<()> {
        let store = &self.accounts.store;
        if let (Some(caller), Some(room)) = (operator.caller(), room)
            && store.leadership(room, caller.id).await?.1
        {
            return Ok(());
        }
        let target = match room {
            None => None,
            Some(room) => match store.room_names(&[room]).await?.pop().ok_or(Error::RoomNotFound)? {
                (_, RoomKind::Direct, _) => return Err(Error::DirectRoom),
                (_, RoomKind::Public | RoomKind::Group, name) => Some(Target::Room(room, name)),
            },
        };
        record(store, operator, act, target).await
    }

    fn origin(&self, operator: &Operator<'_>) -> HookOrigin {
        let made_by = operator.caller().map_or(UserId::SERVER, |caller| caller.id);
        HookOrigin { made_by, made_at_ms: self.accounts.store.now_ms() }
    }
}

/// The secret of a new outgoing webhook, which is shown once.
pub fn shown_secret(hook: &OutgoingHook) -> &str {
    hook.secret.expose_secret()
}
