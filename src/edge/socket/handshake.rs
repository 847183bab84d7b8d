//! How a connection becomes a WebSocket: who may not is refused before the upgrade, the others are taken from the
//! framework.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tracing::debug;

use super::codec::{Credentials, SocketCodec, SocketRoute, Viewer};
use super::frames::Frames;
use super::registry::{Peer, Sockets, announce};
use super::session::{Session, resume};
use crate::domain::{Error, Result, RoomId};
use crate::edge::context::Context;
use crate::edge::http::client::client_of;
use crate::edge::http::cors::is_origin_allowed;
use crate::fanout::{ConnectionId, Encoder, FrameKey, NewConnection};

/// After its close frame a connection may live on for this long, so that the frame arrives.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A second handle to a connection's socket, made when it is accepted: with it the connection outlives the
/// framework's part in it.
pub struct RawSocket(socket2::Socket);

impl RawSocket {
    /// A handle to an accepted connection.
    pub fn of(stream: &TcpStream) -> Option<Self> {
        socket2::SockRef::from(stream).try_clone().ok().map(Self)
    }

    /// The connection itself, for the runtime of the caller.
    fn stream(&self) -> std::io::Result<TcpStream> {
        TcpStream::from_std(self.0.try_clone()?.into())
    }
}

/// Answers a handshake: who may not is refused before the upgrade.
///
/// # Errors
/// `Unauthenticated`, `Forbidden` for a page of another origin, `RateLimited`, `Unavailable`, `Malformed` for what
/// is no handshake.
async fn open(
    routes: Rc<[SocketRoute]>,
    request: HttpRequest,
    payload: web::Payload,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    if !is_origin_allowed(&request, &context.allowed_origins) {
        return Err(Error::Forbidden);
    }
    let query = query_of(&request)?;
    let credentials = credentials_of(&request, &query);
    let codec = choose(&routes, &query, &credentials)?;
    let client = client_of(&request, &context.trusted_proxies);
    let token = credentials.header.as_deref().or(credentials.query.as_deref()).ok_or(Error::Unauthenticated)?;
    let grant = context.services.accounts.grant(token).or_else(|error| {
        context.limits.check_sign_in(client.ip)?;
        Err(error)
    })?;
    context.limits.check_user(grant.caller.id)?;
    if context.is_draining() {
        return Err(about_to_stop());
    }
    let is_first = context.socket_counts.of_user(grant.caller.id) == 0;
    let permit = context.socket_counts.enter(grant.caller.id, client.ip, context.limits.socket_caps())?;
    let answer = handshake(&request).await?;
    let socket = request.conn_data::<RawSocket>().ok_or_else(|| Error::internal("a connection without a socket"))?;
    let stream = Rc::new(socket.stream().map_err(Error::internal)?);

    let is_extended = codec.has_extension && query.iter().any(|(key, value)| key == "ext" && value == "1");
    let encoder = Encoder { key: FrameKey { dialect: codec.name, is_extended }, encode: codec.encode };
    let sockets = context.sockets.clone();
    let (connection, closed) =
        sockets.hub().register(NewConnection { user: grant.caller.id, encoder, stream: Rc::clone(&stream) });
    let place = Place { connection, sockets: sockets.clone(), context: context.clone() };
    let caller = context.services.accounts.caller(&grant);
    let rooms: Vec<RoomId> = context.services.rooms.of(&caller).await?.iter().map(|entry| entry.room).collect();
    sockets.hub().subscribe_all(connection, &rooms).await?;
    let viewer = Viewer { user: caller.id, is_extended, base_url: context.base_url(&request) };
    if is_extended {
        // Before anything else is awaited: what happens in the rooms meanwhile must come behind what was missed.
        resume(&sockets, connection, codec, &viewer, &(codec.resumes)(&query));
    }
    if let Err(error) = context.services.presence.note(&caller, &client).await {
        debug!(%error, "activity not recorded");
    }
    if is_first {
        announce(&context, &caller, true, &rooms).await;
    }
    // All that were open may have been closed meanwhile: nobody would close this one. No waiting from here on.
    if context.stopping.closes_sockets() {
        return Err(about_to_stop());
    }
    let peer = Rc::new(Peer::new(connection, grant, client));
    sockets.insert(Rc::clone(&peer), permit);
    let session = Session { context, sockets, codec, viewer, peer };
    let (hand_over, handed_over) = oneshot::channel();
    let frames = Frames::new(payload.into_inner(), Rc::clone(&stream));
    actix_web::rt::spawn(async move {
        if handed_over.await.is_err() {
            return; // the client was gone before it had its answer
        }
        session.sockets.hub().open(connection);
        let frames = Box::pin(session.run(frames, closed)).await;
        drop(place);
        // What was written last arrives before the end.
        drop(socket2::SockRef::from(&*stream).shutdown(std::net::Shutdown::Write));
        drop(tokio::time::timeout(LAST_WORDS, frames.drain()).await);
    });
    Ok(answer.map_body(|_, _| HandOver { hand_over: Some(hand_over), polls: 0 }).map_into_boxed_body())
}

fn about_to_stop() -> Error {
    Error::Unavailable("this node is about to stop".into())
}

fn query_of(request: &HttpRequest) -> Result<Vec<(String, String)>> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|error| Error::Malformed(error.to_string()))
}

fn credentials_of(request: &HttpRequest, query: &[(String, String)]) -> Credentials {
    let header = crate::edge::http::auth::bearer(request).map(str::to_owned);
    let query = query.iter().find(|(key, value)| key == "token" && !value.is_empty());
    Credentials { header, query: query.map(|(_, token)| token.clone()) }
}

/// The dialect that a client names, else the one that its handshake looks like.
fn choose(routes: &[SocketRoute], query: &[(String, String)], credentials: &Credentials) -> Result<SocketCodec> {
    let named = query.iter().find(|(key, _)| key == "dialect").map(|(_, name)| name.as_str());
    let route = match named {
        // Where only one is spoken there is nothing to name.
        Some(name) if routes.len() > 1 => {
            routes.iter().find(|route| route.codec.name == name).ok_or(Error::Malformed("dialect".to_owned()))
        }
        Some(_) | None => routes.iter().find(|route| (route.claims)(credentials)).ok_or(Error::Unauthenticated),
    };
    route.map(|route| route.codec)
}

/// The framework's answer to a handshake; the connection itself is driven by [`Session`] and [`SocketBody`].
async fn handshake(request: &HttpRequest) -> Result<HttpResponse> {
    let nothing = web::Payload::from_request(request, &mut Payload::None).await.map_err(|_| Error::NotFound)?;
    let (answer, _, _) =
        actix_ws::handle(request, nothing).map_err(|error| Error::Malformed(format!("no WebSocket: {error}")))?;
    Ok(answer)
}

/// Removes the connection however its task ends.
struct Place {
    connection: ConnectionId,
    sockets: Sockets,
    context: web::Data<Context>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sockets.remove(self.connection, &self.context);
    }
}

/// The answer's body: none. It takes the connection from the framework, which would keep sixteen kilobytes of buffers
/// and a task for it: once the head is out it fails, whereupon the framework forgets the connection without a word on
/// it (actix-http 3.20, `h1::Dispatcher`), and our own handle is the only one.
struct HandOver {
    hand_over: Option<oneshot::Sender<()>>,
    polls: u8,
}

/// Nothing is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the connection is a WebSocket now")]
struct HandedOver;

impl MessageBody for HandOver {
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
            debug!("nobody waits for the connection");
        }
        Poll::Ready(Some(Err(HandedOver)))
    }
}

/// Adds the WebSockets of all dialects: each path once, whoever shares it.
pub fn configure(routes: &mut web::ServiceConfig, sockets: Vec<SocketRoute>) {
    let mut paths: Vec<String> = sockets.iter().map(|route| route.path.clone()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let here: Rc<[SocketRoute]> = sockets.iter().filter(|route| route.path == path).cloned().collect();
        let handler = move |request: HttpRequest, payload: web::Payload, context: web::Data<Context>| {
            open(Rc::clone(&here), request, payload, context)
        };
        routes.service(crate::edge::http::errors::resource(&path).route(web::get().to(handler)));
    }
}
