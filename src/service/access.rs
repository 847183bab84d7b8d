//! What roles and scopes grant. Anything that neither a role, a scope nor membership grants is refused.

use crate::config::Adding;
use crate::domain::{Application, Caller, Error, Result, Role, RoomId, RoomKind, Scope, UserId};
use crate::store::Store;

/// The users who may see the addresses and user agents of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVisibility {
    /// Everyone, as document 003 has it.
    Everyone,
    /// Administrators.
    Admins,
}

/// Who wants to act.
#[derive(Clone, Copy)]
pub(super) enum Actor<'a> {
    User(&'a Caller),
    Application(&'a Application),
}

impl<'a> From<&'a Caller> for Actor<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self::User(caller)
    }
}

impl<'a> From<&'a Application> for Actor<'a> {
    fn from(application: &'a Application) -> Self {
        Self::Application(application)
    }
}

/// An action that a role or a scope must grant.
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
    /// Create an account for somebody.
    AddAccount,
    /// Create a room for somebody.
    MakeRoom,
    /// Add anybody to any group or public room.
    AddAnyMember,
    /// Send messages, as the account of an application.
    SpeakAsApplication,
    /// Send messages as any user.
    SpeakAsUser,
    /// Read the history of any room.
    ReadAnyRoom,
    /// List the online users.
    SeePresence,
    /// Make, list and remove the webhooks of a room: its owner and admins, and administrators in public rooms.
    ManageHooks(RoomId),
    /// The same for webhooks of all rooms, which read what not even administrators may.
    ManageAllHooks,
}

impl Action {
    /// The scope that grants it to an application; none grants the rest.
    fn scope(self) -> Option<Scope> {
        match self {
            Self::AddAccount => Some(Scope::WriteUsers),
            Self::MakeRoom => Some(Scope::WriteRooms),
            Self::AddAnyMember => Some(Scope::WriteMembers),
            Self::SpeakAsApplication => Some(Scope::WriteMessages),
            Self::SpeakAsUser => Some(Scope::Impersonate),
            Self::ReadAnyRoom => Some(Scope::ReadMessages),
            Self::SeePresence => Some(Scope::ReadPresence),
            Self::DeleteAnyMessage
            | Self::SeeAddress { .. }
            | Self::SeeAddresses(_)
            | Self::SeeFigures
            | Self::Administer
            | Self::AddUser { .. }
            | Self::ManageHooks(_)
            | Self::ManageAllHooks => None,
        }
    }
}

/// Decides whether somebody may do something. Reads a user's role only where the decision depends on it, so that a
/// promotion takes effect at once; such actions are rare.
///
/// # Errors
/// `Forbidden`, or an error that says more.
pub(super) async fn authorise<'a>(store: &Store, actor: impl Into<Actor<'a>>, action: Action) -> Result<()> {
    let caller = match actor.into() {
        Actor::User(caller) => caller,
        Actor::Application(application) => return application.check(action.scope()),
    };
    let is_granted = match action {
        Action::AddUser { user, adding } => return may_add(store, caller.id, user, adding).await,
        Action::ManageHooks(room) => match store.leadership(room, caller.id).await? {
            (_, true) => true,
            (RoomKind::Public, false) => is_admin(store, caller).await?,
            (RoomKind::Group | RoomKind::Direct, false) => false,
        },
        Action::SeeAddress { of, .. } if of == caller.id => true,
        Action::SeeAddress { visibility: IpVisibility::Everyone, .. } => true,
        Action::SeeAddresses(IpVisibility::Everyone) => true,
        Action::DeleteAnyMessage
        | Action::SeeAddress { .. }
        | Action::SeeAddresses(IpVisibility::Admins)
        | Action::SeeFigures
        | Action::Administer
        | Action::AddAccount
        | Action::MakeRoom
        | Action::AddAnyMember
        | Action::SeePresence => is_admin(store, caller).await?,
        // Not even administrators.
        Action::SpeakAsApplication | Action::SpeakAsUser | Action::ReadAnyRoom | Action::ManageAllHooks => false,
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
