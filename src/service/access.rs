//! What roles grant. Anything that neither a role nor membership grants is refused.

use crate::config::Adding;
use crate::domain::{Caller, Error, Result, Role, UserId};
use crate::store::Store;

/// The users who may see the addresses and user agents of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVisibility {
    /// Everyone, as document 003 has it.
    Everyone,
    /// Administrators.
    Admins,
}

/// An action that a role must grant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// Delete another user's message in another user's room.
    DeleteAnyMessage,
    /// See a user's address.
    SeeAddress { of: UserId, visibility: IpVisibility },
    /// See the addresses of all users in a list.
    SeeAddresses(IpVisibility),
    /// See the metrics of all nodes.
    SeeFigures,
    /// Act on the accounts and rooms of others, and read the record of it.
    Administer,
    /// Add another user to a room.
    AddUser { user: UserId, adding: Adding },
}

/// Decides whether a caller may do something. Reads the caller's role only where the decision depends on it, so that a
/// promotion takes effect at once; such actions are rare.
///
/// # Errors
/// `Forbidden`, or an error that says more.
pub(super) async fn authorise(store: &Store, caller: &Caller, action: Action) -> Result<()> {
    let is_granted = match action {
        Action::AddUser { user, adding } => return may_add(store, caller.id, user, adding).await,
        Action::SeeAddress { of, .. } if of == caller.id => true,
        Action::SeeAddress { visibility: IpVisibility::Everyone, .. } => true,
        Action::SeeAddresses(IpVisibility::Everyone) => true,
        Action::DeleteAnyMessage
        | Action::SeeAddress { .. }
        | Action::SeeAddresses(IpVisibility::Admins)
        | Action::SeeFigures
        | Action::Administer => is_admin(store, caller).await?,
    };
    if is_granted { Ok(()) } else { Err(Error::Forbidden) }
}

async fn may_add(store: &Store, actor: UserId, user: UserId, adding: Adding) -> Result<()> {
    if store.has_blocked(user, actor).await? {
        return Err(Error::Blocked);
    }
    match adding {
        Adding::Known if !store.share_room(user, actor).await? => Err(Error::Unacquainted),
        Adding::Known | Adding::Everyone => Ok(()),
    }
}

async fn is_admin(store: &Store, caller: &Caller) -> Result<bool> {
    let account = store.account(caller.id).await?;
    Ok(account.is_some_and(|account| account.role == Role::Admin && !account.is_banned))
}
