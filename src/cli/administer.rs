//! What commands that change an existing chat share.

use std::process::ExitCode;

use super::{EXIT_FAILURE, EXIT_USAGE, fail, fail_to_start};
use crate::config::Config;
use crate::domain::{Error, Kind};
use crate::node;
use crate::service::Accounts;

/// Runs an action on the accounts. Prints why it failed.
pub(super) async fn administer<T>(
    config: &Config,
    act: impl AsyncFnOnce(&Accounts) -> Result<T, Error>,
) -> Result<T, ExitCode> {
    let (accounts, redis) = node::accounts(config).await.map_err(|error| fail_to_start(&error))?;
    let outcome = act(&accounts).await;
    if let Some(redis) = redis {
        redis.stop();
    }
    outcome.map_err(|error| fail_act(&error))
}

pub(super) fn fail_act(error: &Error) -> ExitCode {
    match error.kind() {
        Kind::NotFound | Kind::BadRequest | Kind::Conflict => fail(error, EXIT_USAGE),
        _ => fail(error, EXIT_FAILURE),
    }
}
