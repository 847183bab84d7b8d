//! The node's long-lived tasks: each has a name, and the node ends with the first of them that ends by itself.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

/// A long-lived task ended before the node stopped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task `{task}` {}", if *.has_panicked { "panicked" } else { "ended unexpectedly" })]
pub struct TaskEnded {
    /// The task's name.
    pub task: &'static str,
    /// Whether it panicked; otherwise it returned.
    pub has_panicked: bool,
}

/// A set of named tasks. Dropping it aborts them all.
#[derive(Default)]
pub(super) struct Tasks {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Starts a task that is meant to run as long as the node.
    pub(super) fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the first task that ends. Never returns while there is none.
    pub(super) async fn first_ended(&mut self) -> TaskEnded {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(outcome) => return self.ended(outcome),
                None => std::future::pending().await,
            }
        }
    }

    /// Waits until the task of this name has ended. Returns `false` when it takes longer than `limit`.
    pub(super) async fn wait_for(&mut self, name: &'static str, limit: Duration) -> bool {
        let is_ended = async { while self.names.values().any(|other| *other == name) && self.reap().await {} };
        tokio::time::timeout(limit, is_ended).await.is_ok()
    }

    /// Aborts all tasks and waits until they have ended.
    pub(super) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }

    async fn reap(&mut self) -> bool {
        let outcome = self.tasks.join_next_with_id().await;
        outcome.map(|outcome| self.ended(outcome)).is_some()
    }

    fn ended(&mut self, outcome: Result<(Id, ()), JoinError>) -> TaskEnded {
        let (id, has_panicked) = match outcome {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        TaskEnded { task: self.names.remove(&id).unwrap_or("unknown"), has_panicked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_task_that_ends_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("patient", std::future::pending());
        tasks.spawn("brief", async {});
        let ended = tasks.first_ended().await;
        assert_eq!(ended, TaskEnded { task: "brief", has_panicked: false });
        assert_eq!(ended.to_string(), "the task `brief` ended unexpectedly");
    }

    #[tokio::test]
    async fn a_panic_is_told_apart_from_a_return() {
        let mut tasks = Tasks::default();
        tasks.spawn("fragile", async { panic!("a planted panic") });
        assert_eq!(tasks.first_ended().await, TaskEnded { task: "fragile", has_panicked: true });
    }

    #[tokio::test]
    async fn a_task_is_waited_for_by_its_name() {
        let mut tasks = Tasks::default();
        tasks.spawn("patient", std::future::pending());
        tasks.spawn("brief", async {});
        assert!(tasks.wait_for("brief", Duration::from_secs(5)).await);
        assert!(!tasks.wait_for("patient", Duration::from_millis(1)).await);
    }
}
