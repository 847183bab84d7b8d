//! The users who made webhooks, which have their rights: none of them works longer than its maker may have one in its room.

use super::access::{Action, authorise};
use crate::domain::{Account, Caller, Error, Result, Role, RoomId, UserId};
use crate::store::{HookMaker, Store};

/// Whose rights the deliveries of a webhook have; `None` when its maker was deleted or is banned.
pub(super) async fn maker(store: &Store, made_by: UserId) -> Result<Option<HookMaker>> {
    if made_by == UserId::SERVER {
        return Ok(Some(HookMaker::Operator));
    }
    let account = account(store, made_by).await?;
    Ok(account.map(|account| HookMaker::User { id: made_by, is_admin: account.role == Role::Admin }))
}

/// Whether the maker of a webhook may have one in a room. The command line may in all.
pub(super) async fn may_have_hooks(store: &Store, made_by: UserId, room: RoomId) -> Result<bool> {
    if made_by == UserId::SERVER {
        return Ok(true);
    }
    let Some(account) = account(store, made_by).await? else { return Ok(false) };
    let caller = Caller { id: account.id, name: account.name, logged_in_at_secs: 0 };
    match authorise(store, &caller, Action::ManageHooks(room)).await {
        Ok(()) => Ok(true),
        Err(Error::Forbidden | Error::RoomNotFound | Error::DirectRoom) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn account(store: &Store, made_by: UserId) -> Result<Option<Account>> {
    Ok(store.account(made_by).await?.filter(|account| !account.is_banned))
}
