//! Shares one read among concurrent callers.
//!
//! A caller that arrives during a read waits for the next one, which starts after the call, so no caller receives a result
//! that is older than its call.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::domain::{Error, Result};

type Run<T> = Shared<BoxFuture<'static, std::result::Result<T, Arc<Error>>>>;

/// Joins concurrent reads of one value.
pub(super) struct SingleFlight<T: Clone>(Mutex<Runs<T>>);

struct Runs<T: Clone> {
    under_way: Option<Run<T>>,
    next: Option<Run<T>>,
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(Mutex::new(Runs { under_way: None, next: None }))
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Runs `read` once for all callers that arrive before it starts, and returns its result to each of them.
    ///
    /// # Errors
    /// `Unavailable` for any failure; its text names the cause.
    pub(super) async fn join(self: &Arc<Self>, read: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let reading = self.join_or_start(read);
        reading.await.map_err(|cause| Error::Unavailable(cause.to_string().into()))
    }

    fn join_or_start(self: &Arc<Self>, read: impl Future<Output = Result<T>> + Send + 'static) -> Run<T> {
        let mut readings = self.0.lock().expect("no panic while held");
        if let Some(next) = &readings.next {
            return next.clone();
        }
        let under_way = readings.under_way.take().filter(|reading| reading.peek().is_none());
        let Some(under_way) = under_way else {
            let reading = read.map(|answer| answer.map_err(Arc::new)).boxed().shared();
            readings.under_way = Some(reading.clone());
            return reading;
        };
        readings.under_way = Some(under_way.clone());
        let single_flight = Arc::clone(self);
        let next = async move {
            // Its result is for earlier callers; only its end matters here.
            drop(under_way.await);
            single_flight.start_next();
            read.await.map_err(Arc::new)
        };
        let next = next.boxed().shared();
        readings.next = Some(next.clone());
        next
    }

    /// Closes the next read to further callers, because it starts now.
    fn start_next(&self) {
        let mut readings = self.0.lock().expect("no panic while held");
        readings.under_way = readings.next.take();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn who_asks_during_a_reading_shares_the_next_one() {
        let (single_flight, readings) = (Arc::new(SingleFlight::default()), Arc::new(AtomicU32::new(0)));
        let gate = Arc::new(Notify::new());
        let ask = || {
            let (single_flight, readings, gate) =
                (Arc::clone(&single_flight), Arc::clone(&readings), Arc::clone(&gate));
            tokio::spawn(async move {
                let read = async move {
                    let number = readings.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    Ok(number)
                };
                single_flight.join(read).await.expect("answers")
            })
        };
        let first = ask();
        tokio::task::yield_now().await;
        let others: Vec<_> = (0..5).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        gate.notify_one();
        assert_eq!(first.await.expect("no panic"), 0);
        gate.notify_one();
        for other in others {
            assert_eq!(other.await.expect("no panic"), 1);
        }
        let last = ask();
        gate.notify_one();
        assert_eq!(last.await.expect("no panic"), 2);
    }
}
