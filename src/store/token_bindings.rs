//! What binds tokens to accounts. After Redis lost an account, its number may name another one; its key does not.

use redis::{Pipeline, Value};

use super::Store;
use super::redis::reply::{self, next};
use crate::domain::{AccountOrigin, Error, Result, TokenKey, UserId};

/// What a token must agree with to belong to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBinding {
    /// The key of the account; versions before had none.
    pub key: Option<TokenKey>,
    /// Time of creation, UTC milliseconds.
    pub created_at_ms: u64,
    /// Tokens of an older epoch are invalid.
    pub epoch: u64,
    /// Where the account comes from, if nobody registered it.
    pub origin: Option<AccountOrigin>,
    /// Whether the account is banned.
    pub is_banned: bool,
}

/// Draws the key of a new account.
pub(super) fn new_token_key() -> Result<TokenKey> {
    getrandom::u64().map(TokenKey).map_err(|error| Error::internal(error.to_string()))
}

impl Store {
    /// The binding of an account, `None` when there is no such account, and the generation of the tokens that are valid;
    /// that is `None` while only the shard that has it is unavailable.
    pub async fn token_binding(&self, user: UserId) -> Result<(Option<TokenBinding>, Option<u64>)> {
        let mut pipeline = Pipeline::with_capacity(2);
        self.read_binding(&mut pipeline, user);
        pipeline.cmd("GET").arg(self.keys.generation());
        let mut replies = self.connection.run_partly(&pipeline).await?.into_iter();
        let account = next(&mut replies)?.ok_or_else(|| Error::Unavailable("the account's shard is away".into()))?;
        let generation = next(&mut replies)?.map(reply::read::<Option<u64>>).transpose()?;
        Ok((binding(account)?, generation.map(Option::unwrap_or_default)))
    }

    /// The bindings of many accounts, in their order.
    pub async fn token_bindings(&self, users: &[UserId]) -> Result<Vec<Option<TokenBinding>>> {
        let mut pipeline = Pipeline::with_capacity(users.len());
        for user in users {
            self.read_binding(&mut pipeline, *user);
        }
        self.run_list(&pipeline).await?.into_iter().map(binding).collect()
    }

    fn read_binding(&self, pipeline: &mut Pipeline, user: UserId) {
        pipeline.cmd("HMGET").arg(self.keys.user(user)).arg(&["name", "key", "created", "epoch", "origin", "banned"]);
    }

    /// Gives an account of an earlier version a key, unless another node did so first. Returns the key.
    pub async fn ensure_token_key(&self, user: UserId) -> Result<Option<TokenKey>> {
        let account = self.keys.user(user);
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HSETNX").arg(&account).arg("key").arg(new_token_key()?.to_string());
        pipeline.cmd("HGET").arg(&account).arg("key");
        let key: Option<String> = reply::read(self.writer.run(&pipeline).await?.pop().unwrap_or_default())?;
        Ok(key.and_then(|key| key.parse().ok()))
    }
}

/// The reply to [`Store::read_binding`].
type BindingFields = (Option<String>, Option<String>, Option<u64>, Option<u64>, Option<String>, Option<u8>);

fn binding(reply: Value) -> Result<Option<TokenBinding>> {
    let (name, key, created_at_ms, epoch, origin, banned): BindingFields = reply::read(reply)?;
    Ok(name.map(|_| TokenBinding {
        key: key.and_then(|key| key.parse().ok()),
        created_at_ms: created_at_ms.unwrap_or(0),
        epoch: epoch.unwrap_or(0),
        origin: origin.and_then(|origin| origin.parse().ok()),
        is_banned: banned == Some(1),
    }))
}
