//! What a role grants. Everything that is not granted here or by membership is refused.

use crate::domain::{Caller, Error, Result, Role, UserId};
use crate::store::Store;

/// Who may see the address and user agent of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVisibility {
    /// Everyone, as document 003 has it.
    Everyone,
    /// Administrators.
    Admins,
}

/// What a caller wants to do beyond their own things.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// Delete a message that is not theirs, in a room that is not theirs.
    DeleteAnyMessage,
    /// See someone's address.
    SeeAddress { of: UserId, visibility: IpVisibility },
    /// See everyone's addresses in a list.
    SeeAddresses(IpVisibility),
    /// See the metrics of all nodes.
    SeeFigures,
}

/// The authorisation function. Looks the caller's role up where the answer depends on it, so that a
/// promotion counts at once; such actions are rare.
///
/// # Errors
/// `Forbidden`.
pub(super) async fn authorise(store: &Store, caller: &Caller, action: Action) -> Result<()> {
    let is_granted = match action {
        Action::SeeAddress { of, .. } if of == caller.id => true,
        Action::SeeAddress { visibility: IpVisibility::Everyone, .. } => true,
        Action::SeeAddresses(IpVisibility::Everyone) => true,
        Action::DeleteAnyMessage
        | Action::SeeAddress { .. }
        | Action::SeeAddresses(IpVisibility::Admins)
        | Action::SeeFigures => is_admin(store, caller).await?,
    };
    if is_granted { Ok(()) } else { Err(Error::Forbidden) }
}

async fn is_admin(store: &Store, caller: &Caller) -> Result<bool> {
    let account = store.account(caller.id).await?;
    Ok(account.is_some_and(|account| account.role == Role::Admin && !account.is_banned))
}
