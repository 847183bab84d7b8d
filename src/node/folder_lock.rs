//! The locks on the data folder of a private Redis.
//!
//! `lock` belongs to the Chinwag that uses the folder, `redis.lock` also to the Redis that writes there. Redis inherits
//! the latter, because it may outlive a Chinwag that was killed: it still writes its log and removes its socket.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::warn;

/// Time for the Redis of a Chinwag that was killed to end. It may have much to write.
const REDIS_END: Duration = Duration::from_secs(30);
const RETRY_EVERY: Duration = Duration::from_millis(10);

/// Reasons why a data folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another Chinwag uses the folder.
    #[error("{0} is in use by another Chinwag; give each its own data.dir, or all the same redis.url")]
    InUse(PathBuf),
    /// The Redis of a Chinwag that was killed has not ended.
    #[error(
        "{dir}: the Redis of a Chinwag that was killed still writes there after {secs} seconds; its process id is in \
         redis.pid, end it and start again"
    )]
    StillWriting {
        /// The folder.
        dir: PathBuf,
        /// How long the start has waited.
        secs: u64,
    },
    /// A lock file is not usable.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Exclusive use of a data folder. Dropping it releases the folder once no Redis writes there.
pub(super) struct FolderLock {
    _owner: File,
    writer: File,
}

impl FolderLock {
    /// Locks `dir`. Waits up to `patience` for another Chinwag, and longer for the Redis of one that was killed.
    ///
    /// # Errors
    /// `InUse` or `StillWriting` in that order; `File`.
    pub(super) async fn take(dir: &Path, patience: Duration) -> Result<Self, LockError> {
        let owner = Lock { path: dir.join("lock"), holder: "another Chinwag" };
        let Some(owner) = owner.take(patience).await? else { return Err(LockError::InUse(dir.to_owned())) };
        let writer = Lock { path: dir.join("redis.lock"), holder: "the Redis of a Chinwag that was killed" };
        match writer.take(REDIS_END).await? {
            Some(writer) => Ok(Self { _owner: owner, writer }),
            None => Err(LockError::StillWriting { dir: dir.to_owned(), secs: REDIS_END.as_secs() }),
        }
    }

    /// A handle for Redis: the folder stays locked until every process that has one has ended.
    ///
    /// # Errors
    /// No file descriptor is available.
    pub(super) fn for_redis(&self) -> std::io::Result<File> {
        self.writer.try_clone()
    }
}

/// A lock file and who else may hold its lock.
struct Lock {
    path: PathBuf,
    holder: &'static str,
}

impl Lock {
    /// Takes the lock. `None` when it is still held after `patience`.
    async fn take(&self, patience: Duration) -> Result<Option<File>, LockError> {
        let failed = |source| LockError::File { path: self.path.clone(), source };
        let file = File::options().create(true).append(true).open(&self.path).map_err(failed)?;
        let started = Instant::now();
        let mut is_announced = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= patience => return Ok(None),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            if !is_announced {
                is_announced = true;
                let (lock, patience_secs) = (self.path.display(), patience.as_secs());
                warn!(%lock, patience_secs, "waiting for {} to end", self.holder);
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> PathBuf {
        let dir = std::env::temp_dir().join(format!("chinwag-lock-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&dir).expect("a folder");
        dir
    }

    #[tokio::test]
    async fn a_folder_in_use_is_refused_after_the_patience() {
        let dir = scratch();
        let held = FolderLock::take(&dir, Duration::ZERO).await.expect("free");
        let refused = FolderLock::take(&dir, Duration::from_millis(30)).await;
        assert!(matches!(refused, Err(LockError::InUse(_))));
        drop(held);
        FolderLock::take(&dir, Duration::ZERO).await.expect("free again");
        std::fs::remove_dir_all(dir).expect("removed");
    }

    #[tokio::test]
    async fn the_handle_for_redis_outlives_the_lock() {
        let dir = scratch();
        let held = FolderLock::take(&dir, Duration::ZERO).await.expect("free");
        let of_redis = held.for_redis().expect("a handle");
        drop(held);
        let writer = Lock { path: dir.join("redis.lock"), holder: "Redis" };
        assert!(writer.take(Duration::from_millis(30)).await.expect("a lock").is_none());
        drop(of_redis);
        assert!(writer.take(Duration::ZERO).await.expect("a lock").is_some());
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
