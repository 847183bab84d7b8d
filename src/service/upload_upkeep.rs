//! Looking after stored files: those whose message is gone, that nothing has used for long, or that Redis does not know.
//!
//! Nodes take turns, and each turn has a bounded amount of work.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt;

use super::upload_path::{Folder, UploadPath};
use super::uploads::Uploads;
use crate::domain::Result;

/// Files that one step looks at.
const STEP: usize = 200;
/// Steps of each kind in a turn.
const STEPS: usize = 10;
/// How long an upload that is under way may write nothing. It writes a part at a time, which takes a slow client minutes.
const STALLED: Duration = Duration::from_secs(24 * 60 * 60);

impl Uploads {
    /// Removes files that are not needed any more, if it is this node's turn. Returns their number.
    ///
    /// # Errors
    /// `Unavailable` when Redis or the file store fails. The next turn goes on.
    pub async fn look_after(&self, every: Duration) -> Result<usize> {
        if !self.store.takes_upload_turn(every).await? {
            return Ok(0);
        }
        let mut removed = self.remove_orphaned(every).await?;
        if let Some(kept_for) = self.files.kept_for {
            removed += self.remove_unused(kept_for).await?;
        }
        if self.store.takes_listing_turn().await? {
            removed += self.remove_unknown().await?;
        }
        Ok(removed)
    }

    /// Removes files whose message was deleted or trimmed.
    async fn remove_orphaned(&self, every: Duration) -> Result<usize> {
        let mut removed = 0;
        for _ in 0..STEPS {
            let (orphaned, looked_at) = self.store.find_orphaned_uploads(every, STEP).await?;
            removed += self.remove_all(&orphaned).await?;
            if looked_at < STEP {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_unused(&self, kept_for: Duration) -> Result<usize> {
        let mut removed = 0;
        for _ in 0..STEPS {
            let unused = self.store.claim_unused_uploads(kept_for, STEP).await?;
            removed += self.remove_all(&unused).await?;
            if unused.len() < STEP {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_all(&self, paths: &[String]) -> Result<usize> {
        for path in paths.iter().filter_map(|path| UploadPath::parse(path)) {
            self.remove(&path).await?;
        }
        Ok(paths.len())
    }

    /// Lists all files. Those that Redis does not know, because it lost them or they are older than the list, are from now on
    /// looked after like new ones; those of messages are removed once no message is as old.
    async fn remove_unknown(&self) -> Result<usize> {
        let mut removed = self.files.shelf.remove_leftovers(SystemTime::now() - STALLED).await?;
        if self.files.kept_for.is_some() {
            for folder in [Folder::Images, Folder::Files] {
                let mut steps = self.files.shelf.list(folder).chunks(STEP);
                while let Some(step) = steps.next().await {
                    let files = step.into_iter().collect::<Result<Vec<_>>>()?;
                    let paths: Vec<String> = files.iter().map(|(path, _)| path.to_string()).collect();
                    self.store.adopt_uploads(&paths).await?;
                }
            }
        }
        // A day more than any message is kept, for clocks of file servers.
        let oldest = SystemTime::UNIX_EPOCH + Duration::from_millis(self.store.oldest_ms()) - STALLED;
        let mut steps = self.files.shelf.list(Folder::Chat).chunks(STEP);
        while let Some(step) = steps.next().await {
            let files = step.into_iter().collect::<Result<Vec<_>>>()?;
            for (path, _) in files.iter().filter(|(_, written_at)| *written_at < oldest) {
                self.remove(path).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
