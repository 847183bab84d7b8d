//! One reading for all who ask at the same time.
//!
//! Whoever asks while a reading is under way waits for the next one, which begins after they asked: nobody
//! gets an answer that is older than their question.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::domain::{Error, Result};

type Reading<T> = Shared<BoxFuture<'static, std::result::Result<T, Arc<Error>>>>;

/// Joins readings of one kind.
pub(super) struct Flight<T: Clone>(Mutex<Readings<T>>);

struct Readings<T: Clone> {
    under_way: Option<Reading<T>>,
    next: Option<Reading<T>>,
}

impl<T: Clone> Default for Flight<T> {
    fn default() -> Self {
        Self(Mutex::new(Readings { under_way: None, next: None }))
    }
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// What `read` answers, once for all who ask before it begins.
    ///
    /// # Errors
    /// `Unavailable` whatever went wrong: the cause is told to the first only in its text.
    pub(super) async fn join(self: &Arc<Self>, read: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let reading = self.board(read);
        reading.await.map_err(|cause| Error::Unavailable(cause.to_string().into()))
    }

    fn board(self: &Arc<Self>, read: impl Future<Output = Result<T>> + Send + 'static) -> Reading<T> {
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
        let flight = Arc::clone(self);
        let next = async move {
            // Its answer is for those who asked before; only its end matters here.
            drop(under_way.await);
            flight.depart();
            read.await.map_err(Arc::new)
        };
        let next = next.boxed().shared();
        readings.next = Some(next.clone());
        next
    }

    /// The next reading begins: who asks from now on waits for another.
    fn depart(&self) {
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
        let (flight, readings) = (Arc::new(Flight::default()), Arc::new(AtomicU32::new(0)));
        let gate = Arc::new(Notify::new());
        let ask = || {
            let (flight, readings, gate) = (Arc::clone(&flight), Arc::clone(&readings), Arc::clone(&gate));
            tokio::spawn(async move {
                let read = async move {
                    let number = readings.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    Ok(number)
                };
                flight.join(read).await.expect("answers")
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
