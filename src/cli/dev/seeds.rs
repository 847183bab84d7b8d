//! The accounts and rooms with which a node for tests begins. They are made by the services, as users would make them.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::Serialize;

use crate::domain::{
    Caller, Client, Description, Error, NewAccount, Password, Result, Role, RoomId, RoomName, TypedName, TypedPassword,
    UserId, UserName, random_hex,
};
use crate::service::{Identity, Operator, Services};

/// Random bytes of a password that is made up, which has twice as many digits.
const PASSWORD_BYTES: usize = 8;

/// An account to be made.
#[derive(Clone)]
pub(super) struct SeedUser {
    name: UserName,
    password: Option<Password>,
}

impl FromStr for SeedUser {
    type Err = Error;

    /// Reads `NAME[:PASSWORD]`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, password) = text.split_once(':').map_or((text, None), |(name, password)| (name, Some(password)));
        Ok(Self { name: UserName::parse(name)?, password: password.map(Password::parse).transpose()? })
    }
}

/// A room to be made. The first member makes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SeedRoom {
    name: RoomName,
    members: Vec<UserName>,
}

impl SeedRoom {
    /// Reads `NAME[:MEMBER,…]`.
    pub(super) fn public(text: &str) -> Result<Self> {
        let (name, members) = text.split_once(':').unwrap_or((text, ""));
        let members = members.split(',').filter(|member| !member.is_empty()).map(UserName::parse);
        Ok(Self { name: RoomName::parse(name)?, members: members.collect::<Result<_>>()? })
    }

    /// Reads `NAME:OWNER[,MEMBER…]`.
    pub(super) fn group(text: &str) -> std::result::Result<Self, String> {
        let room = Self::public(text).map_err(|error| error.to_string())?;
        if room.members.is_empty() { Err("a group needs an owner, as in NAME:OWNER".to_owned()) } else { Ok(room) }
    }
}

/// What is to be made.
pub(super) struct Plan {
    pub(super) users: Vec<SeedUser>,
    pub(super) admins: Vec<SeedUser>,
    pub(super) rooms: Vec<SeedRoom>,
    pub(super) groups: Vec<SeedRoom>,
}

/// An account that was made.
#[derive(Serialize)]
pub(super) struct SeededUser {
    id: u64,
    name: String,
    password: String,
    token: String,
    is_admin: bool,
}

/// A room that was made.
#[derive(Serialize)]
pub(super) struct SeededRoom {
    /// Its number, as documents 000 and 002 name it.
    number: u32,
    /// Its id, as documents 001, 003 and 004 name it.
    id: String,
    name: String,
    is_public: bool,
    members: Vec<String>,
}

/// What could not be made, and why.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(super) struct SeedError {
    what: String,
    source: Error,
}

/// Makes all accounts, logs them in, and makes the rooms.
pub(super) async fn make(
    services: &Services,
    plan: Plan,
) -> std::result::Result<(Vec<SeededUser>, Vec<SeededRoom>), SeedError> {
    let mut users = Vec::new();
    let roles = plan.users.iter().map(|user| (user, Role::User)).chain(plan.admins.iter().map(|it| (it, Role::Admin)));
    for (user, role) in roles {
        let failed = |source| SeedError { what: format!("user {}", user.name.as_str()), source };
        users.push(make_user(services, user, role).await.map_err(failed)?);
    }
    let mut rooms = Vec::new();
    let all = plan.rooms.iter().map(|room| (room, true)).chain(plan.groups.iter().map(|room| (room, false)));
    for (room, is_public) in all {
        let failed = |source| SeedError { what: format!("room {}", room.name.as_str()), source };
        rooms.push(make_room(services, room, is_public, &users).await.map_err(failed)?);
    }
    Ok((users, rooms))
}

async fn make_user(services: &Services, user: &SeedUser, role: Role) -> Result<SeededUser> {
    let (operator, client) = (&Operator::CommandLine, Client::new(IpAddr::V4(Ipv4Addr::LOCALHOST), "chinwag dev"));
    let password = match &user.password {
        Some(password) => password.clone(),
        None => Password::parse(&random_hex::<PASSWORD_BYTES>()?)?,
    };
    let new = NewAccount { name: user.name.clone(), email: None, phone: String::new(), invite: None, origin: None };
    let account = services.administration.add(operator, &new, Some(&password)).await?;
    if role == Role::Admin {
        services.administration.set_role(operator, account.id, role).await?;
    }
    let name = TypedName::parse(&account.name).ok_or(Error::UserNotFound)?;
    let typed = TypedPassword::parse(password.expose()).ok_or(Error::BadCredentials)?;
    let (account, token) = services.accounts.log_in(&Identity::Name(name), &typed, &client).await?;
    let (id, is_admin) = (account.id.0, account.role == Role::Admin);
    Ok(SeededUser { id, name: account.name, password: password.expose().to_owned(), token, is_admin })
}

async fn make_room(services: &Services, room: &SeedRoom, is_public: bool, users: &[SeededUser]) -> Result<SeededRoom> {
    let mut members = Vec::new();
    for name in &room.members {
        let user = users.iter().find(|user| user.name == name.as_str());
        members.push(caller(user.ok_or(Error::UserNotFound)?));
    }
    if members.is_empty() {
        members.push(caller(users.first().ok_or(Error::UserNotFound)?));
    }
    let (owner, others) = members.split_first().ok_or(Error::UserNotFound)?;
    let nothing = Description::default();
    let id: RoomId = match is_public {
        true => services.rooms.create_public(owner, &room.name, &nothing).await?,
        false => services.rooms.create_group(owner, &room.name, &nothing, "").await?.id,
    };
    for other in others {
        match is_public {
            true => services.rooms.join(id, other).await?,
            false => services.rooms.add_member(id, owner, &other.user_ref()).await?,
        }
    }
    let members = members.into_iter().map(|member| member.name).collect();
    let (number, name) = (id.number(), room.name.as_str().to_owned());
    Ok(SeededRoom { number, id: id.to_string(), name, is_public, members })
}

fn caller(user: &SeededUser) -> Caller {
    Caller { id: UserId(user.id), name: user.name.clone(), logged_in_at_secs: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_may_have_a_password_with_a_colon() {
        let user = |text: &str| {
            let SeedUser { name, password } = text.parse().expect("a user");
            (name.as_str().to_owned(), password.map(|password| password.expose().to_owned()))
        };
        assert_eq!(user("alice"), ("alice".to_owned(), None));
        assert_eq!(user("李雷:pass:word"), ("李雷".to_owned(), Some("pass:word".to_owned())));
        for wrong in ["", ":password", "alice:", "alice:short"] {
            assert!(wrong.parse::<SeedUser>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_group_has_an_owner_and_a_public_room_need_not_name_one() {
        let room = |name: &str, members: &[&str]| SeedRoom {
            name: RoomName::parse(name).expect("a name"),
            members: members.iter().map(|member| UserName::parse(member).expect("a name")).collect(),
        };
        assert_eq!(SeedRoom::public("lobby").ok(), Some(room("lobby", &[])));
        assert_eq!(SeedRoom::public("lobby:alice,bob").ok(), Some(room("lobby", &["alice", "bob"])));
        assert_eq!(SeedRoom::group("team:alice").ok(), Some(room("team", &["alice"])));
        assert!(SeedRoom::group("team").is_err_and(|reason| reason.contains("NAME:OWNER")));
        assert!(SeedRoom::public(":alice").is_err());
    }
}
