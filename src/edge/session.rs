//! The one loop that drives all WebSockets. Dialects say what frames mean; everything else is here: the
//! handshake, bounds, order, answers, the end.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tracing::debug;

use super::client::client_of;
use super::context::Context;
use super::cors::is_origin_allowed;
use super::frames::{Broken, Frames, Inbound};
use super::sockets::{Peer, Sockets, announce, code};
use super::speech::{Answer, Command, Credentials, Refusal, SocketRoute, Speech, Viewer};
use crate::domain::{Error, Field, Happening, NewMessage, Result, RoomEvent, RoomId};
use crate::fanout::{Encoder, Ending, FrameKey, Newcomer, SeatId, close_frame, control_frame, text_frame};
use crate::service::Receiver;

const PONG: u8 = 0xA;
/// Sends of one connection that may be under way; more are not read until some have ended.
const SENDS_AT_ONCE: usize = 64;
/// After its close frame a connection may live on for this long, so that the frame arrives.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Answers that may wait for a client before it may ask on, in bytes. A single answer may be larger.
const MAX_UNREAD_BYTES: usize = 1024 * 1024;
/// How long a client may take for its answers.
const READING: Duration = Duration::from_secs(30);
const ROOM_CHECK: Duration = Duration::from_millis(20);

/// A second handle to a connection's socket, made when it is accepted: with it the connection outlives the
/// framework's part in it.
pub struct Wire(socket2::Socket);

impl Wire {
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
pub(super) async fn open(
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
    let speech = choose(&routes, &query, &credentials)?;
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
    let wire = request.conn_data::<Wire>().ok_or_else(|| Error::internal("a connection without a socket"))?;
    let stream = Rc::new(wire.stream().map_err(Error::internal)?);

    let is_extended = speech.has_extension && query.iter().any(|(key, value)| key == "ext" && value == "1");
    let encoder = Encoder { key: FrameKey { dialect: speech.name, is_extended }, encode: speech.encode };
    let sockets = context.sockets.clone();
    let (seat, ending) =
        sockets.hub().take_seat(Newcomer { user: grant.caller.id, encoder, stream: Rc::clone(&stream) });
    let place = Place { seat, sockets: sockets.clone(), context: context.clone() };
    let caller = context.services.accounts.caller(&grant);
    let rooms: Vec<RoomId> = context.services.rooms.of(&caller).await?.iter().map(|entry| entry.room).collect();
    sockets.hub().enter(seat, &rooms).await?;
    let viewer = Viewer { user: caller.id, is_extended, base_url: context.base_url(&request) };
    if is_extended {
        // Before anything else is awaited: what happens in the rooms meanwhile must come behind what was missed.
        resume(&sockets, seat, speech, &viewer, &(speech.resumes)(&query));
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
    let peer = Rc::new(Peer::new(seat, grant, client));
    sockets.insert(Rc::clone(&peer), permit);
    let session = Session { context, sockets, speech, viewer, peer };
    let (hand_over, handed_over) = oneshot::channel();
    let frames = Frames::new(payload.into_inner(), Rc::clone(&stream));
    actix_web::rt::spawn(async move {
        if handed_over.await.is_err() {
            return; // the client was gone before it had its answer
        }
        session.sockets.hub().open(seat);
        let frames = Box::pin(session.run(frames, ending)).await;
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
    let header = super::auth::bearer(request).map(str::to_owned);
    let query = query.iter().find(|(key, value)| key == "token" && !value.is_empty());
    Credentials { header, query: query.map(|(_, token)| token.clone()) }
}

/// The dialect that a client names, else the one that its handshake looks like.
fn choose(routes: &[SocketRoute], query: &[(String, String)], credentials: &Credentials) -> Result<Speech> {
    let named = query.iter().find(|(key, _)| key == "dialect").map(|(_, name)| name.as_str());
    let route = match named {
        // Where only one is spoken there is nothing to name.
        Some(name) if routes.len() > 1 => {
            routes.iter().find(|route| route.speech.name == name).ok_or(Error::Malformed("dialect".to_owned()))
        }
        Some(_) | None => routes.iter().find(|route| (route.claims)(credentials)).ok_or(Error::Unauthenticated),
    };
    route.map(|route| route.speech)
}

/// The framework's answer to a handshake; the connection itself is driven by [`Session`] and [`SocketBody`].
async fn handshake(request: &HttpRequest) -> Result<HttpResponse> {
    let nothing = web::Payload::from_request(request, &mut Payload::None).await.map_err(|_| Error::NotFound)?;
    let (answer, _, _) =
        actix_ws::handle(request, nothing).map_err(|error| Error::Malformed(format!("no WebSocket: {error}")))?;
    Ok(answer)
}

/// Whatever becomes of a connection, its seat is left.
struct Place {
    seat: SeatId,
    sockets: Sockets,
    context: web::Data<Context>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sockets.remove(self.seat, &self.context);
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

/// One connection's conversation.
struct Session {
    context: web::Data<Context>,
    sockets: Sockets,
    speech: Speech,
    viewer: Viewer,
    peer: Rc<Peer>,
}

type Sending = LocalBoxFuture<'static, Option<String>>;

impl Session {
    /// Talks until one of the two ends it. Returns what can still be read.
    async fn run(self, mut frames: Frames, ending: Ending) -> Frames {
        let session = Rc::new(self);
        // Sends are under way together, in their order; everything else waits for them.
        let mut sending: Option<FuturesOrdered<Sending>> = None;
        loop {
            let is_full = sending.as_ref().is_some_and(|sending| sending.len() >= SENDS_AT_ONCE);
            let inbound = tokio::select! {
                biased;
                Some(answer) = next_sent(&mut sending) => {
                    session.say(answer);
                    continue;
                }
                () = ending.wait() => break,
                inbound = frames.next(), if !is_full => inbound,
            };
            session.peer.is_heard();
            let text = match inbound {
                Ok(Inbound::Text(text)) => text,
                Ok(other) => match session.take_control(other) && session.has_room(&ending).await {
                    true => continue,
                    false => {
                        ending.wait().await;
                        break;
                    }
                },
                Err(broken) => {
                    session.end(broken);
                    ending.wait().await;
                    break;
                }
            };
            let decoded = session.context.limits.check_user(session.viewer.user).map_err(Refusal::from);
            let decoded = decoded.and_then(|()| (session.speech.decode)(&text, &session.viewer));
            drop(text);
            match decoded {
                Ok(Command::Send { to, message, reply_to: None, believed: None }) => {
                    // The way to a direct room that this node does not know takes round trips of its own.
                    let is_known = matches!(to, Receiver::Room(_));
                    let send = Box::pin(send(Rc::clone(&session), to, message));
                    if is_known {
                        sending.get_or_insert_default().push_back(send);
                    } else {
                        finish(&session, &mut sending).await;
                        session.say(send.await);
                    }
                }
                command => {
                    finish(&session, &mut sending).await;
                    let answer = session.answer(command).await;
                    session.say(answer);
                }
            }
            if !session.has_room(&ending).await {
                ending.wait().await;
                break;
            }
        }
        // What was asked for is done, whoever is there to hear it.
        if let Some(mut sending) = sending {
            while sending.next().await.is_some() {}
        }
        frames
    }

    /// Waits until the client has taken most of its answers. `false` when it does not: the conversation is over.
    async fn has_room(&self, ending: &Ending) -> bool {
        let started = Instant::now();
        while self.sockets.hub().queued_bytes(self.peer.seat) > MAX_UNREAD_BYTES {
            if started.elapsed() > READING {
                self.close(code::POLICY, "asks and does not read");
                return false;
            }
            tokio::select! {
                () = ending.wait() => return true,
                () = tokio::time::sleep(ROOM_CHECK) => {}
            }
        }
        true
    }

    /// Takes what is no text. `false` when the conversation is over.
    fn take_control(&self, inbound: Inbound) -> bool {
        if self.context.limits.check_user(self.viewer.user).is_err() {
            self.close(code::POLICY, "too many frames");
            return false;
        }
        let hub = self.sockets.hub();
        match inbound {
            Inbound::Ping(payload) if hub.queued_bytes(self.peer.seat) < MAX_UNREAD_BYTES => {
                hub.send(self.peer.seat, control_frame(PONG, &payload));
            }
            Inbound::Ping(_) | Inbound::Pong | Inbound::Text(_) => {}
            Inbound::Binary => self.say(Some(self.refuse(&Error::Malformed("binary frame".to_owned()).into()))),
            Inbound::Close(code) => {
                // The code is echoed, as browsers expect; some numbers must not be sent.
                let echo = code.filter(|code| (1000..5000).contains(code) && ![1004, 1005, 1006, 1015].contains(code));
                self.close(echo.unwrap_or(code::NORMAL), "");
                return false;
            }
        }
        true
    }

    fn end(&self, broken: Broken) {
        match broken {
            // It may still listen.
            Broken::Gone => self.close(code::NORMAL, ""),
            Broken::Protocol => self.close(code::PROTOCOL, "protocol error"),
            Broken::NotUtf8 => self.close(code::NOT_UTF8, "text is not UTF-8"),
            Broken::TooLarge => self.close(code::TOO_LARGE, "message too large"),
        }
    }

    fn close(&self, code: u16, reason: &str) {
        debug_assert!(close_frame(code, reason).len() <= 127);
        self.sockets.hub().close(self.peer.seat, code, reason);
    }

    fn say(&self, text: Option<String>) {
        if let Some(text) = text {
            self.sockets.hub().send(self.peer.seat, text_frame(&[&text]));
        }
    }

    fn refuse(&self, refusal: &Refusal) -> String {
        super::errors::log_refusal(&refusal.error, self.speech.name, self.viewer.user);
        (self.speech.refuse)(refusal, &self.viewer)
    }

    /// Does what a client wants. Returns what it is told.
    async fn answer(&self, command: std::result::Result<Command, Refusal>) -> Option<String> {
        let command = match command {
            Ok(command) => command,
            Err(refusal) => return Some(self.refuse(&refusal)),
        };
        let room = match &command {
            Command::Send { to: Receiver::Room(room), .. }
            | Command::Delete(room, _)
            | Command::MarkRead(room, _)
            | Command::Type(room)
            | Command::Join(room)
            | Command::Leave(room) => Some(*room),
            Command::History(query) => Some(query.room),
            Command::Send { to: Receiver::User(_), .. } | Command::Resume(_) | Command::Ping | Command::Nothing => None,
        };
        let client_id = match &command {
            Command::Send { message, .. } => message.client_id.as_ref().and_then(|id| id.own()).map(str::to_owned),
            _ => None,
        };
        match Box::pin(self.execute(command)).await {
            Ok(answer) => answer,
            Err(error) => Some(self.refuse(&Refusal { error, client_id, room })),
        }
    }

    async fn execute(&self, command: Command) -> Result<Option<String>> {
        let services = &self.context.services;
        let caller = services.accounts.caller(&self.peer.grant);
        match command {
            Command::Send { to, mut message, reply_to, believed } => {
                if let (Receiver::User(user), Some(room)) = (to, believed)
                    && services.rooms.direct_with(&caller, user).await? != Some(room)
                {
                    return Err(Error::Invalid(Field::RoomId));
                }
                if let (Receiver::Room(room), Some(seq)) = (to, reply_to) {
                    message.reply_to = Some(services.messages.replied(room, seq, &caller).await?);
                }
                return Ok(send_message(self, to, message).await);
            }
            Command::History(query) => {
                let page = services.messages.history(query, &caller).await?;
                return Ok((self.speech.answer)(&Answer::History(&page, query), &self.viewer));
            }
            Command::Delete(room, seq) => services.messages.delete_at(room, seq, &caller).await?,
            Command::MarkRead(room, seq) => {
                self.sockets.hub().settle(room).await;
                services.messages.mark_read(room, seq, &caller).await?;
            }
            Command::Type(room) => services.messages.announce_typing(room, &caller).await?,
            Command::Join(room) => services.rooms.join(room, &caller).await?,
            Command::Leave(room) => services.rooms.leave(room, &caller).await?,
            Command::Resume(rooms) => resume(&self.sockets, self.peer.seat, self.speech, &self.viewer, &rooms),
            Command::Ping => return Ok((self.speech.answer)(&Answer::Alive, &self.viewer)),
            Command::Nothing => {}
        }
        Ok(None)
    }
}

/// Makes a connection resume rooms; what is none of its user's is told to be lost.
fn resume(sockets: &Sockets, seat: SeatId, speech: Speech, viewer: &Viewer, rooms: &[super::speech::Resume]) {
    for resume in rooms {
        let room = resume.after.room;
        let notices = (speech.notices)(room, viewer);
        if !sockets.hub().resume(seat, room, resume.after.entry, notices.clone()) {
            sockets.hub().send(seat, text_frame(&[&notices.lost]));
        }
    }
}

/// Sends a message. Returns what the sender is told: nothing when all goes well, since the message itself comes back.
async fn send(session: Rc<Session>, to: Receiver, message: NewMessage) -> Option<String> {
    send_message(&session, to, message).await
}

async fn send_message(session: &Session, to: Receiver, message: NewMessage) -> Option<String> {
    let services = &session.context.services;
    let caller = services.accounts.caller(&session.peer.grant);
    let client_id = message.client_id.as_ref().and_then(|id| id.own()).map(str::to_owned);
    let sent = services.messages.send_to(to, &caller, message).await;
    let room = match (&sent, to) {
        (Ok(sent), _) => Some(sent.message.id.room),
        (Err(_), Receiver::Room(room)) => Some(room),
        (Err(_), Receiver::User(_)) => None,
    };
    let outcome = match sent {
        // A retry is told to nobody again but to who retries, and not before what came before it.
        Ok(sent) if sent.is_replay => services.messages.room(sent.message.id.room).await.map(|room| {
            let event = RoomEvent { room, what: Happening::Message(Box::new(sent.message)) };
            session.sockets.hub().show_again(session.peer.seat, event);
        }),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    outcome.err().map(|error| session.refuse(&Refusal { error, client_id, room }))
}

/// The next send that has ended; never when none is under way.
async fn next_sent(sending: &mut Option<FuturesOrdered<Sending>>) -> Option<Option<String>> {
    match sending {
        Some(under_way) if !under_way.is_empty() => under_way.next().await,
        _ => {
            *sending = None;
            None
        }
    }
}

/// Waits for all sends that are under way.
async fn finish(session: &Session, sending: &mut Option<FuturesOrdered<Sending>>) {
    while let Some(answer) = next_sent(sending).await {
        session.say(answer);
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
        routes.service(super::errors::resource(&path).route(web::get().to(handler)));
    }
}
