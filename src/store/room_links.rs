//! Links with which users join a room themselves, kept in the room's slot under a digest of their token. `lua/links.lua`
//! describes what is stored.

use redis::Value;
use sha2::{Digest, Sha256};

use super::Store;
use super::redis::reply::{self, array, text};
use super::redis::scripts::{self, Arg, Call, Script};
use super::stored::kind_of;
use crate::domain::{Error, LinkId, LinkTerms, LinkToken, LinkedRoom, Result, RoomId, RoomLink, UserId, hex};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How long an expired link is kept, so that users learn that it has expired.
const EXPIRED_KEPT_MS: u64 = 30 * DAY_MS;
/// Maximum number of links of a room that have not expired.
const MAX_LINKS: u64 = 20;

/// A link as it is stored; `uses` is 0 for any number.
struct StoredLink {
    made_by: UserId,
    made_at_ms: u64,
    expires_at_ms: u64,
    uses: u64,
    used: u64,
}

/// What a link is kept under.
pub(super) fn digest(token: &LinkToken) -> String {
    hex(&Sha256::digest(token.expose())[..16])
}

/// The error for a script's word about a link.
pub(super) fn refusal(word: &str) -> Option<Error> {
    Some(match word {
        "no_link" => Error::LinkInvalid,
        "expired" => Error::LinkExpired,
        "used_up" => Error::LinkUsedUp,
        "removed" => Error::Removed,
        "no_room" => Error::RoomNotFound,
        "direct" => Error::DirectRoom,
        "forbidden" => Error::Forbidden,
        "full" => Error::TooManyLinks,
        _ => return None,
    })
}

impl Store {
    /// Stores a link: one round trip.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the actor is no member; `DirectRoom`; `TooManyLinks`; `Forbidden` unless
    /// the actor is owner or admin.
    pub async fn make_link(&self, token: &LinkToken, actor: UserId, terms: LinkTerms) -> Result<(LinkId, u64)> {
        let id = digest(token);
        let args = [
            Arg::Number(actor.0),
            Arg::Text(&id),
            Arg::Number(u64::from(terms.days) * DAY_MS),
            Arg::Number(terms.uses.unwrap_or(0).into()),
            Arg::Number(MAX_LINKS),
            Arg::Number(EXPIRED_KEPT_MS),
        ];
        match self.run_link_script(&scripts::MAKE_LINK, token.room(), &args).await?.as_slice() {
            [_, Value::Int(expires_at_ms)] => Ok((LinkId(id), expires_at_ms.unsigned_abs())),
            other => Err(Error::internal(format!("unexpected reply {other:?}"))),
        }
    }

    /// The links of a room that have not expired, the newest first: two round trips. Those of an owner or admin who is none
    /// any more do not work, and are left out.
    ///
    /// # Errors
    /// As [`Self::make_link`].
    pub async fn links(&self, room: RoomId, actor: UserId) -> Result<Vec<RoomLink>> {
        let items = self.run_link_script(&scripts::LIST_LINKS, room, &[Arg::Number(actor.0)]).await?;
        let mut stored = Vec::with_capacity(items.len() / 2);
        for pair in items[1..].chunks_exact(2) {
            stored.push((LinkId(text(&pair[0])?.to_owned()), parse(text(&pair[1])?)?));
        }
        let mut makers: Vec<UserId> = stored.iter().map(|(_, link)| link.made_by).collect();
        makers.sort_unstable();
        makers.dedup();
        let names = self.names(&makers).await?;
        stored.sort_by_key(|(_, link)| std::cmp::Reverse(link.made_at_ms));
        let listed = stored.into_iter().filter_map(|(id, link)| {
            let made_by = names.iter().find(|user| user.id == link.made_by)?.clone();
            let StoredLink { made_by: _, made_at_ms, expires_at_ms, uses, used } = link;
            Some(RoomLink { id, made_by, made_at_ms, expires_at_ms, uses: (uses > 0).then_some(uses), used })
        });
        Ok(listed.collect())
    }

    /// Revokes a link. Users who have joined with it stay.
    ///
    /// # Errors
    /// As [`Self::make_link`]; `NotFound` for a link that does not exist.
    pub async fn revoke_link(&self, room: RoomId, actor: UserId, id: &LinkId) -> Result<()> {
        let args = [Arg::Number(actor.0), Arg::Text(&id.0)];
        match self.run_link_script(&scripts::REVOKE_LINK, room, &args).await {
            Err(Error::LinkInvalid) => Err(Error::NotFound),
            outcome => outcome.map(drop),
        }
    }

    /// What a link shows of its room: one round trip. Members see it whatever became of the link.
    ///
    /// # Errors
    /// `LinkInvalid`, `LinkExpired`, `LinkUsedUp`; `Removed` for a user who may not join.
    pub async fn linked_room(&self, token: &LinkToken, user: UserId) -> Result<LinkedRoom> {
        let (keys, links, id) = (self.keys.room(token.room()), self.keys.links(token.room()), digest(token));
        let call = Call {
            script: &scripts::READ_LINK,
            keys: &[&keys.room, &keys.members, &keys.admins, &links, &keys.removed],
            args: &[Arg::Number(user.0), Arg::Text(&id)],
        };
        let items = read_status(array(self.connection.run_script(&call, &[]).await?.0)?)?;
        let [_, kind, name, description, avatar, Value::Int(members), Value::Int(is_member)] = items.as_slice() else {
            return Err(Error::internal("a reply has an unexpected number of fields"));
        };
        Ok(LinkedRoom {
            id: token.room(),
            kind: kind_of(text(kind)?)?,
            name: text(name)?.to_owned(),
            description: text(description)?.to_owned(),
            avatar: text(avatar)?.to_owned(),
            members: members.unsigned_abs(),
            is_member: *is_member == 1,
        })
    }

    async fn run_link_script(&self, script: &'static Script, room: RoomId, args: &[Arg<'_>]) -> Result<Vec<Value>> {
        let keys = self.keys.room(room);
        let links = self.keys.links(room);
        let call = Call { script, keys: &[&keys.room, &keys.members, &keys.admins, &links], args };
        read_status(array(self.writer.run_script(&call, &[]).await?.0)?)
    }
}

/// Turns a refusal into an error. The reply has a status, and is empty otherwise only by a defect.
fn read_status(items: Vec<Value>) -> Result<Vec<Value>> {
    let status = items.first().ok_or_else(|| Error::internal("an empty reply"))?;
    match text(status)? {
        "made" | "links" | "revoked" | "open" => Ok(items),
        word => Err(refusal(word).unwrap_or_else(|| reply::unexpected(status))),
    }
}

/// Parses `made maker expires uses used`.
fn parse(stored: &str) -> Result<StoredLink> {
    let numbers: Option<Vec<u64>> = stored.split(' ').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[made_at_ms, maker, expires_at_ms, uses, used]) => {
            Ok(StoredLink { made_by: UserId(maker), made_at_ms, expires_at_ms, uses, used })
        }
        _ => Err(Error::internal("a stored link is malformed")),
    }
}
