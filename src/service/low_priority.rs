//! Threads for work that takes a processor for long. Where all processors are busy, those who serve requests come first.

use rustix::process::nice;
use tokio::runtime::{Builder, Runtime};

use crate::domain::{Error, Result};

/// Below the usual 0, so that a thread gets a quarter of a processor for which a worker competes. With 10 it got a tenth, too
/// little for those who log in during a flood.
const NICENESS: i32 = 5;

/// A number of threads. Each piece of work runs on one of them.
pub(super) struct LowPriority {
    /// Only its threads for blocking work are used. `None` while it is dropped.
    runtime: Option<Runtime>,
}

impl LowPriority {
    /// Makes at most so many threads, when they are needed.
    ///
    /// # Errors
    /// `Internal` when the operating system refuses.
    pub(super) fn new(threads: usize) -> Result<Self> {
        let mut builder = Builder::new_current_thread();
        builder.thread_name("low-priority").max_blocking_threads(threads.max(1)).on_thread_start(|| {
            // Linux counts niceness by thread. Where it is refused, the work is done all the same.
            let _outcome = nice(NICENESS);
        });
        Ok(Self { runtime: Some(builder.build().map_err(Error::internal)?) })
    }

    /// Runs a piece of work, also when the caller is gone before it has ended.
    ///
    /// # Errors
    /// `Internal` when it panics.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let runtime = self.runtime.as_ref().expect("it is not being dropped");
        runtime.spawn_blocking(work).await.map_err(Error::internal)
    }
}

impl Drop for LowPriority {
    fn drop(&mut self) {
        // Waiting for the work would block the task that drops it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn work_runs_below_the_priority_of_its_caller_and_changes_nothing_for_it() {
        let niceness = || getpriority_process(None).expect("always known");
        let own = niceness();
        let threads = LowPriority::new(1).expect("threads");
        let (of_work, thread) =
            threads.run(move || (niceness(), thread::current().id())).await.expect("it does not panic");
        assert_eq!(of_work, (own + NICENESS).min(19));
        assert_ne!(thread, thread::current().id());
        assert_eq!(niceness(), own);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_ends_no_thread() {
        let threads = LowPriority::new(1).expect("threads");
        assert!(threads.run(|| panic!("as a bug would")).await.is_err());
        assert_eq!(threads.run(|| 7).await.expect("it does not panic"), 7);
    }
}
