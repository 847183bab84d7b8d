//! Whether the workers of a node answer: each has a task on its own thread that answers requests.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tracing::debug;

/// Where a worker answers.
type Answers = mpsc::Sender<()>;

/// Asks all workers at once.
pub(super) struct Pulse {
    questions: watch::Sender<Option<Answers>>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { questions: watch::Sender::new(None) }
    }

    /// Answers for the worker on whose thread it runs, as long as that lives.
    pub(super) fn answer(&self) -> impl Future<Output = ()> + use<> {
        let mut questions = self.questions.subscribe();
        async move {
            while questions.changed().await.is_ok() {
                let answers = questions.borrow_and_update().clone();
                if answers.is_some_and(|answers| answers.try_send(()).is_err()) {
                    debug!("a worker answers too late");
                }
            }
        }
    }

    /// Whether there are workers, and all of them answer within this time.
    pub(super) async fn beats(&self, patience: Duration) -> bool {
        let workers = self.questions.receiver_count();
        if workers == 0 {
            return false;
        }
        let (sender, mut answers) = mpsc::channel(workers);
        self.questions.send_replace(Some(sender));
        let all = async {
            for _ in 0..workers {
                answers.recv().await;
            }
        };
        tokio::time::timeout(patience, all).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A worker that answers until something is sent to it, and then sleeps until the sender is gone.
    fn worker(pulse: &Arc<Pulse>) -> std::sync::mpsc::Sender<()> {
        let (block, blocked) = std::sync::mpsc::channel::<()>();
        let answering = pulse.answer();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                tokio::spawn(answering);
                while blocked.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    tokio::task::yield_now().await;
                }
                blocked.recv().expect_err("the sender is gone");
            });
        });
        block
    }

    #[tokio::test]
    async fn a_node_without_workers_does_not_answer() {
        assert!(!Pulse::new().beats(PATIENCE).await);
    }

    #[tokio::test]
    async fn a_worker_whose_thread_is_blocked_does_not_answer() {
        let pulse = Arc::new(Pulse::new());
        let (_well, ill) = (worker(&pulse), worker(&pulse));
        assert!(pulse.beats(PATIENCE).await);
        assert!(pulse.beats(PATIENCE).await, "again and again");
        ill.send(()).expect("it runs");
        while pulse.beats(Duration::from_millis(100)).await {}
        drop(ill);
        while pulse.questions.receiver_count() > 1 {
            tokio::task::yield_now().await;
        }
        assert!(pulse.beats(PATIENCE).await, "a worker that is gone is not asked");
    }
}
