//! Tokens of applications, kept under a digest of the token. All are in one slot.

use std::collections::HashMap;

use redis::Pipeline;
use serde::{Deserialize, Serialize};

use super::Store;
use super::redis::keys::ApplicationKeys;
use super::redis::reply::{self, next, text};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{ApplicationToken, Error, Result, Scope, StoredApplication, UserId, folded};

/// Maximum number of tokens.
const MAX_TOKENS: u64 = 1000;

/// What is stored of a token, as JSON.
#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    bot: u64,
    /// Names of scopes, separated by spaces. One that this version does not know grants nothing.
    scopes: String,
    created_at_ms: u64,
}

impl Store {
    /// Stores a new token.
    ///
    /// # Errors
    /// `NameTaken` when there is a token with the name; `StorageFull` when there are a thousand.
    pub async fn create_application(&self, token: &ApplicationToken, stored: &StoredApplication) -> Result<()> {
        let ApplicationKeys { names, tokens, .. } = self.keys.applications();
        let scopes: Vec<&str> = stored.scopes.iter().map(|scope| scope.word()).collect();
        let record = Record {
            name: stored.name.clone(),
            bot: stored.bot.0,
            scopes: scopes.join(" "),
            created_at_ms: stored.created_at_ms,
        };
        let record = serde_json::to_string(&record).map_err(Error::internal)?;
        let (name, digest) = (folded(&stored.name), token.digest());
        let args = [Arg::Text(&name), Arg::Text(&digest), Arg::Text(&record), Arg::Number(MAX_TOKENS)];
        let call = Call { script: &scripts::CREATE_APPLICATION, keys: &[&names, &tokens], args: &args };
        let reply = self.writer.run_script(&call, &[]).await?.0;
        match text(&reply)? {
            "created" => Ok(()),
            "taken" => Err(Error::NameTaken),
            "full" => Err(Error::StorageFull),
            _ => Err(reply::unexpected(&reply)),
        }
    }

    /// What is stored of a token, if it is valid. Records its use.
    pub async fn use_application(&self, token: &ApplicationToken) -> Result<Option<StoredApplication>> {
        let ApplicationKeys { tokens, used, .. } = self.keys.applications();
        let digest = token.digest();
        let args = [Arg::Text(&digest)];
        let call = Call { script: &scripts::USE_APPLICATION, keys: &[&tokens, &used], args: &args };
        let record: Option<String> = reply::read(self.connection.run_script(&call, &[]).await?.0)?;
        record.as_deref().map(read_record).transpose()
    }

    /// All tokens by name, each with the time of its last use if it was used, UTC milliseconds.
    pub async fn applications(&self) -> Result<Vec<(StoredApplication, Option<u64>)>> {
        let ApplicationKeys { tokens, used, .. } = self.keys.applications();
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGETALL").arg(tokens);
        pipeline.cmd("HGETALL").arg(used);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let tokens: HashMap<String, String> = reply::read(next(&mut replies)?)?;
        let used: HashMap<String, u64> = reply::read(next(&mut replies)?)?;
        let mut all = Vec::with_capacity(tokens.len());
        for (digest, record) in tokens {
            all.push((read_record(&record)?, used.get(&digest).copied()));
        }
        all.sort_by_cached_key(|(stored, _)| folded(&stored.name));
        Ok(all)
    }

    /// The account of the token with this name.
    pub async fn bot_named(&self, name: &str) -> Result<Option<UserId>> {
        let name = folded(name);
        let all = self.applications().await?;
        Ok(all.into_iter().find(|(stored, _)| folded(&stored.name) == name).map(|(stored, _)| stored.bot))
    }

    /// Removes the token with this name, effective immediately.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_application(&self, name: &str) -> Result<()> {
        let ApplicationKeys { names, tokens, used } = self.keys.applications();
        let name = folded(name);
        let args = [Arg::Text(&name)];
        let call = Call { script: &scripts::REVOKE_APPLICATION, keys: &[&names, &tokens, &used], args: &args };
        match reply::read(self.writer.run_script(&call, &[]).await?.0)? {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }
}

fn read_record(text: &str) -> Result<StoredApplication> {
    let Record { name, bot, scopes, created_at_ms } = serde_json::from_str(text).map_err(Error::internal)?;
    Ok(StoredApplication {
        name,
        bot: UserId(bot),
        scopes: scopes.split(' ').filter_map(Scope::of).collect(),
        created_at_ms,
    })
}
