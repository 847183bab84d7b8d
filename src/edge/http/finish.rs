//! Finishes requests whose client is gone. The framework drops what it has not answered when a connection breaks, wherever
//! it waits: a change would end between two of its commands, as if the node had failed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::timeout;

use crate::edge::drain::UnderWay;

/// Longest time that a request goes on without its client.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that goes on when this is dropped. Until it ends, it is under way.
pub(super) struct Finishing<F: Future + Unpin + 'static> {
    request: Option<(F, UnderWay)>,
}

impl<F: Future + Unpin + 'static> Finishing<F> {
    pub(super) fn new(request: F, under_way: UnderWay) -> Self {
        Self { request: Some((request, under_way)) }
    }
}

impl<F: Future + Unpin + 'static> Future for Finishing<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (request, _) = self.request.as_mut().expect("not polled after its end");
        let outcome = ready!(Pin::new(request).poll(cx));
        self.request = None;
        Poll::Ready(outcome)
    }
}

impl<F: Future + Unpin + 'static> Drop for Finishing<F> {
    fn drop(&mut self) {
        let Some((request, under_way)) = self.request.take() else { return };
        // One that has panicked cannot go on.
        if !std::thread::panicking() {
            actix_web::rt::spawn(async move {
                drop(timeout(PATIENCE, request).await);
                drop(under_way);
            });
        }
    }
}
