//! Taking a connection over from the framework, which would keep sixteen kilobytes of buffers and a task for it.
//!
//! With a second handle to its socket ([`super::raw_socket`]) the connection outlives the framework's part in it.

use std::cell::Cell;
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
use super::registration::Registration;
use super::session::Session;
use crate::fanout::Claimant;
use crate::metrics::Count;
use crate::websocket::Close;

/// How long a connection may live on after its close frame, so that the frame arrives.
const LINGER: Duration = Duration::from_secs(2);

/// Starts the session of a registered connection, which begins once the framework has written the response.
pub(super) fn hand_over(
    registration: Registration,
    response: HttpResponse,
    payload: Payload,
    stream: Rc<TcpStream>,
) -> HttpResponse {
    let (sender, handed_over) = oneshot::channel();
    let (turns, claimant) = (registration.context.hub.turns(), Claimant::User(registration.viewer.user));
    let frames = Frames::new(payload, Rc::clone(&stream), turns, claimant);
    actix_web::rt::spawn(async move {
        if handed_over.await.is_err() {
            return; // the client was gone before it had its response
        }
        registration.context.hub.open(registration.id);
        let frames = run_session(&registration, frames).await;
        drop(registration);
        // What was written last arrives before the end.
        drop(socket2::SockRef::from(&*stream).shutdown(std::net::Shutdown::Write));
        if let Some(frames) = frames {
            drop(tokio::time::timeout(LINGER, frames.drain()).await);
        }
    });
    response.map_body(|_, _| HandOverBody { hand_over: Some(sender), polls: 0 }).map_into_boxed_body()
}

/// Runs the session. A panic (a dialect's codec is code of its own) closes the connection with 1011. Returns what can
/// still be read.
async fn run_session(registration: &Registration, frames: Frames) -> Option<Frames> {
    let session = Session {
        context: registration.context.clone(),
        id: registration.id,
        codec: registration.codec,
        viewer: registration.viewer.clone(),
        peer: Rc::clone(&registration.peer),
        page: Cell::default(),
    };
    let session = Box::pin(session.run(frames, registration.closed.clone()));
    match AssertUnwindSafe(session).catch_unwind().await {
        Ok(frames) => Some(frames),
        Err(_) => {
            error!(dialect = registration.codec.name, "a session panicked, its connection is closed with 1011");
            registration.context.metrics.count(Count::WorkerPanics);
            registration.context.hub.close(registration.id, &Close::INTERNAL);
            registration.closed.wait().await;
            None
        }
    }
}

/// The body of the response: none. Once the head is out it fails, whereupon the framework forgets the connection
/// without a word on it (actix-http 3.20, `h1::Dispatcher`), and our own handle is the only one.
struct HandOverBody {
    hand_over: Option<oneshot::Sender<()>>,
    polls: u8,
}

/// Not a failure: it makes the framework let the connection go.
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
