//! Taking a connection over from the framework, which would keep sixteen kilobytes of buffers and a task for it.
//!
//! With a second handle to its socket ([`super::raw_socket`]) the connection outlives the framework's part in it.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tracing::{debug, error};

use super::frames::Frames;
use super::session::Session;
use crate::fanout::Claimant;
use crate::metrics::Count;
use crate::websocket::Close;

/// How long a connection stays open after its close frame, so that the frame arrives.
const LINGER: Duration = Duration::from_secs(2);

/// Starts the session of a registered connection, which begins once the framework has written the response.
pub(super) fn hand_over(
    session: Session,
    response: HttpResponse,
    payload: Payload,
    stream: Rc<TcpStream>,
) -> HttpResponse {
    let (sender, handed_over) = oneshot::channel();
    let (turns, claimant) = (session.context.hub.turns(), Claimant::User(session.viewer.user));
    let frames = Frames::new(payload, stream, turns, claimant);
    actix_web::rt::spawn(serve(handed_over, Rc::new(session), frames));
    response.map_body(|_, _| HandOverBody { hand_over: Some(sender), polls: 0 }).map_into_boxed_body()
}

/// Serves a connection from the handing over to its end. This future and what it refers to is what an idle connection keeps.
#[expect(clippy::manual_async_fn, reason = "the future of an `async fn` would have its arguments twice")]
fn serve(
    handed_over: oneshot::Receiver<()>,
    session: Rc<Session>,
    mut frames: Frames,
) -> impl Future<Output = ()> + 'static {
    async move {
        if handed_over.await.is_err() {
            return; // the client was gone before it had its response
        }
        session.context.hub.open(session.id);
        run_session(&session, &mut frames).await;
        drop(session);
        frames.shut_down();
        drop(Box::pin(tokio::time::timeout(LINGER, frames.drain())).await);
    }
}

/// Runs the session. A panic (a dialect's codec is code of its own) closes the connection with 1011.
async fn run_session(session: &Rc<Session>, frames: &mut Frames) {
    if AssertUnwindSafe(session.run(frames)).catch_unwind().await.is_err() {
        error!(dialect = session.codec.name, "a session panicked, its connection is closed with 1011");
        session.context.metrics.count(Count::WorkerPanics);
        session.context.hub.close(session.id, &Close::INTERNAL);
        session.closed.wait().await;
    }
}

/// The body of the response: none. Once the head is out it fails, whereupon the framework forgets the connection
/// without a word on it (actix-http 3.20, `h1::Dispatcher`), and our own handle is the only one.
struct HandOverBody {
    hand_over: Option<oneshot::Sender<()>>,
    polls: u8,
}

/// Not a failure: it makes the framework release the connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection is a WebSocket now")]
struct HandedOver;

impl MessageBody for HandOverBody {
    type Error = HandedOver;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // The framework polls before it writes the head, and again after.
        if self.polls == 0 {
            self.polls = 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.hand_over.take().is_some_and(|hand_over| hand_over.send(()).is_err()) {
            debug!("the session ended before the connection was handed over");
        }
        Poll::Ready(Some(Err(HandedOver)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, C, F: Future>(_: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_connection_keeps_little() {
        let (future, session) = (size_of_future(serve), size_of::<Session>());
        assert!(future <= 704 && session <= 224, "a future of {future} bytes and a session of {session}");
    }
}
