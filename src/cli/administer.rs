//! Shared by commands that change an existing chat.

use std::process::ExitCode;

use super::{EXIT_FAILURE, EXIT_USAGE, fail, fail_to_start};
use crate::domain::{Error, Kind};
use crate::node::{PrivateRedis, StartError};

/// Opens a service and runs an action with it. Prints the error if that fails.
pub(super) async fn administer<S, T>(
    opening: impl Future<Output = Result<(S, Option<PrivateRedis>), StartError>>,
    act: impl AsyncFnOnce(&S) -> Result<T, Error>,
) -> Result<T, ExitCode> {
    let (service, redis) = opening.await.map_err(|error| fail_to_start(&error))?;
    let outcome = act(&service).await;
    if let Some(redis) = redis {
        redis.stop();
    }
    outcome.map_err(|error| match error.kind() {
        Kind::NotFound | Kind::BadRequest | Kind::Conflict => fail(&error, EXIT_USAGE),
        _ => fail(&error, EXIT_FAILURE),
    })
}
