//! Accounts, rooms, backups and the audit log without a node, for the command line.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::StartError;
use super::folder_lock::LockError;
use super::private_redis::{PrivateRedis, PrivateRedisError};
use super::signing_keys::signing_keys;
use super::wiring::{store_config, uploads_url, wait_for_redis};
use crate::config::Config;
use crate::domain::Clock;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::service::{
    Accounts, Administration, Applications, Backups, Files, Hooks, Limits, Passwords, RoomRemovals, Tokens, Uploads,
};
use crate::store::{NodeMemory, Store};

/// Stands for the id of a node where there is none.
const COMMAND_LINE: &str = "cli";

/// Opens the administration of users and the list of rooms. Without a configured Redis they are those of the data
/// folder: if no node runs its private Redis, this starts one and returns it as well.
///
/// # Errors
/// One line that names what is wrong.
pub async fn administration(config: &Config) -> Result<(Administration, Option<PrivateRedis>), StartError> {
    let (accounts, redis) = accounts(config).await?;
    Ok((Administration::new(accounts), redis))
}

/// Opens the administration of tokens of applications, as [`administration`] does.
///
/// # Errors
/// One line that names what is wrong.
pub async fn applications(config: &Config) -> Result<(Applications, Option<PrivateRedis>), StartError> {
    let (accounts, redis) = accounts(config).await?;
    Ok((Applications::new(accounts), redis))
}

/// Opens the administration of webhooks, as [`administration`] does.
///
/// # Errors
/// One line that names what is wrong.
pub async fn hooks(config: &Config) -> Result<(Hooks, Option<PrivateRedis>), StartError> {
    let (accounts, redis) = accounts(config).await?;
    Ok((Hooks::new(accounts, Outbound::new(&config.outbound)?), redis))
}

async fn accounts(config: &Config) -> Result<(Accounts, Option<PrivateRedis>), StartError> {
    let (store, redis) = open(config).await?;
    Ok((accounts_of(store, config)?, redis))
}

fn accounts_of(store: Store, config: &Config) -> Result<Accounts, StartError> {
    let keys = signing_keys(config)?;
    let tokens = Arc::new(Tokens::new(&keys, config.auth.token_ttl_secs, store.clock().clone())?);
    let passwords = Arc::new(Passwords::new(config.auth.bcrypt_cost, 1)?);
    let limits = Arc::new(Limits::new(&config.limits));
    Ok(Accounts::new(store, tokens, passwords, limits, config.auth.registration))
}

/// Opens the removal of rooms with their files, as [`administration`] does.
///
/// # Errors
/// One line that names what is wrong.
pub async fn room_removals(config: &Config) -> Result<(RoomRemovals, Option<PrivateRedis>), StartError> {
    let (store, redis) = open(config).await?;
    let uploads = uploads_of(store.clone(), config)?;
    Ok((RoomRemovals::new(store, uploads), redis))
}

/// Opens the store for backups, as [`administration`] does.
///
/// # Errors
/// One line that names what is wrong.
pub async fn backups(config: &Config) -> Result<(Backups, Option<PrivateRedis>), StartError> {
    let (store, redis) = open(config).await?;
    Ok((backups_of(store, config)?, redis))
}

/// The same for restoring one: a folder in which no node has run becomes a data folder, and one in which a node runs is
/// refused.
///
/// # Errors
/// One line that names what is wrong.
pub async fn restoring(config: &Config) -> Result<(Backups, Option<PrivateRedis>), StartError> {
    config.check()?;
    let redis = match config.has_private_redis() {
        false => None,
        true => Some(PrivateRedis::start(&config.data.dir, &config.redis, Duration::ZERO).await?),
    };
    let url = redis.as_ref().map_or(&*config.redis.url, PrivateRedis::url);
    let store = open_store(config, url, redis.as_ref()).await?;
    Ok((backups_of(store, config)?, redis))
}

fn backups_of(store: Store, config: &Config) -> Result<Backups, StartError> {
    let uploads = uploads_of(store.clone(), config)?;
    Ok(Backups::new(Administration::new(accounts_of(store, config)?), uploads))
}

fn uploads_of(store: Store, config: &Config) -> Result<Uploads, StartError> {
    let (limits, metrics) = (Arc::new(Limits::new(&config.limits)), Arc::new(Metrics::new(&[], &[])));
    let files = Files::open(&uploads_url(config)?, &config.uploads, limits, metrics)?;
    Ok(Uploads::new(files, store))
}

async fn open(config: &Config) -> Result<(Store, Option<PrivateRedis>), StartError> {
    config.check()?;
    let (url, redis) = match config.has_private_redis() {
        false => (config.redis.url.clone(), None),
        true => private_redis_of(&config.data.dir, config).await?,
    };
    Ok((open_store(config, &url, redis.as_ref()).await?, redis))
}

async fn open_store(config: &Config, url: &str, redis: Option<&PrivateRedis>) -> Result<Store, StartError> {
    let opening = async {
        let store_config = store_config(config, url).await?;
        let store = Store::new(&store_config, &NodeMemory::new(&store_config, COMMAND_LINE, Clock::default()));
        wait_for_redis(&store).await?;
        Ok(store)
    };
    match redis {
        Some(redis) => redis.run(opening).await,
        None => opening.await,
    }
}

/// The private Redis of a data folder in which a node has run. In any other folder it would be a new, empty one.
async fn private_redis_of(dir: &Path, config: &Config) -> Result<(String, Option<PrivateRedis>), StartError> {
    if !dir.join("appendonlydir").is_dir() {
        return Err(StartError::NoData(dir.to_owned()));
    }
    match PrivateRedis::start(dir, &config.redis, Duration::ZERO).await {
        Ok(redis) => Ok((redis.url().to_owned(), Some(redis))),
        Err(PrivateRedisError::Locked(LockError::InUse(_))) => Ok((PrivateRedis::url_for(dir)?, None)),
        Err(error) => Err(error.into()),
    }
}
