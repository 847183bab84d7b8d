//! Who administers, and the record of it. Secrets are never part of an entry.

use tracing::{debug, info};

use super::access::{Action, authorise};
use crate::domain::{Application, AuditEntry, AuditLog, AuditTarget, Caller, Client, Reason, Result, RoomId, UserRef};
use crate::store::Store;

/// Who acts on what belongs to others.
pub enum Operator<'a> {
    /// A user with that role, over HTTP, and where the request comes from.
    Admin(&'a Caller, &'a Client),
    /// An application, and where the request comes from.
    Application(&'a Application, &'a Client),
    /// Whoever may run commands on the server's machine.
    CommandLine,
}

impl Operator<'_> {
    /// Checks that the operator is an administrator.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(super) async fn administer(&self, store: &Store) -> Result<()> {
        self.authorise(store, Action::Administer).await
    }

    /// Checks that the operator may do something.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(super) async fn authorise(&self, store: &Store, action: Action) -> Result<()> {
        match *self {
            Self::Admin(caller, _) => authorise(store, caller, action).await,
            Self::Application(application, _) => authorise(store, application, action).await,
            Self::CommandLine => Ok(()),
        }
    }

    /// The administrator, or the account in whose name the application speaks.
    pub(super) fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Admin(caller, _) => Some(caller),
            Self::Application(application, _) => Some(&application.bot),
            Self::CommandLine => None,
        }
    }

    pub(super) fn client(&self) -> Option<&Client> {
        match self {
            Self::Admin(_, client) | Self::Application(_, client) => Some(client),
            Self::CommandLine => None,
        }
    }
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Add,
    Invite,
    RevokeInvite,
    Promote,
    Demote,
    Ban,
    Unban,
    EndSessions,
    SetPassword,
    SetOneTimePassword,
    Remove,
    RemoveRoom,
    Restored,
    CreateToken,
    RevokeToken,
    CreateHook,
    RemoveHook,
    AddRoom,
    AddMember,
    Send,
    SendAs,
    Read,
    Trace,
}

impl Act {
    /// The word in the log. Programs compare it, so words never change.
    fn word(self) -> &'static str {
        match self {
            Self::Add => "user.add",
            Self::Invite => "invite",
            Self::RevokeInvite => "invite.revoke",
            Self::Promote => "user.promote",
            Self::Demote => "user.demote",
            Self::Ban => "user.ban",
            Self::Unban => "user.unban",
            Self::EndSessions => "user.end_sessions",
            Self::SetPassword => "user.password",
            Self::SetOneTimePassword => "user.one_time_password",
            Self::Remove => "user.delete",
            Self::RemoveRoom => "room.delete",
            Self::Restored => "restored",
            Self::CreateToken => "token.create",
            Self::RevokeToken => "token.revoke",
            Self::CreateHook => "hook.create",
            Self::RemoveHook => "hook.remove",
            Self::AddRoom => "room.add",
            Self::AddMember => "room.add_member",
            Self::Send => "message.send",
            Self::SendAs => "message.send_as",
            Self::Read => "message.read",
            Self::Trace => "message.trace",
        }
    }
}

/// What an act concerns.
#[derive(Clone, Debug)]
pub(super) enum Target {
    User(UserRef),
    Room(RoomId, String),
}

/// Records an act. Called before it is carried out, so that none is missing: an entry may be of an act that then failed.
///
/// # Errors
/// `Unavailable`; the act must not be carried out.
pub(super) async fn record(store: &Store, operator: &Operator<'_>, act: Act, target: Option<Target>) -> Result<()> {
    record_with(store, operator, act, target, &Reason::default()).await
}

/// Records an act with its reason.
///
/// # Errors
/// As [`record`].
pub(super) async fn record_with(
    store: &Store,
    operator: &Operator<'_>,
    act: Act,
    target: Option<Target>,
    reason: &Reason,
) -> Result<()> {
    let target = target.map(|target| match target {
        Target::User(UserRef { id, name }) => AuditTarget { kind: "user".to_owned(), id: id.0, name },
        Target::Room(room, name) => AuditTarget { kind: "room".to_owned(), id: room.number().into(), name },
    });
    let actor = operator.caller().map(Caller::user_ref);
    let address = operator.client().map(|client| client.ip.to_string()).unwrap_or_default();
    let (word, actor_id) = (act.word(), actor.as_ref().map(|actor| actor.id.0));
    let log = match operator {
        Operator::Admin(..) | Operator::CommandLine => {
            info!(act = word, user.id = actor_id, "an administrator's action");
            AuditLog::Administrators
        }
        Operator::Application(..) => {
            debug!(act = word, user.id = actor_id, "an application's action");
            AuditLog::Applications
        }
    };
    let reason = reason.as_str().to_owned();
    let entry = AuditEntry { id: String::new(), at_ms: 0, actor, address, act: word.to_owned(), target, reason };
    store.record_act(&entry, log).await
}
