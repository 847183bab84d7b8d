//! The one loop that drives all WebSockets. Dialects say what frames mean; everything else is here: the
//! handshake, bounds, order, answers, the end.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesOrdered;
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
/// Answers that may wait for a client that asks and does not read.
const MAX_UNREAD_BYTES: usize = 1024 * 1024;

/// The socket of a connection, kept when it is accepted.
pub struct Wire(socket2::Socket);

impl Wire {
    /// A second handle to an accepted connection.
    pub fn of(stream: &actix_web::rt::net::TcpStream) -> Option<Self> {
        socket2::SockRef::from(stream).try_clone().ok().map(Self)
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
    let speech = choose(&routes, &query, &credentials).ok_or(Error::Unauthenticated)?;
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
    let socket = request.conn_data::<Wire>().map(|wire| wire.0.try_clone());
    let socket = socket.ok_or_else(|| Error::internal("a connection without a socket"))?.map_err(Error::internal)?;

    let is_extended = speech.has_extension && query.iter().any(|(key, value)| key == "ext" && value == "1");
    let encoder = Encoder { key: FrameKey { dialect: speech.name, is_extended }, encode: speech.encode };
    let sockets = context.sockets.clone();
    let (seat, ending) = sockets.hub().take_seat(Newcomer { user: grant.caller.id, encoder, socket });
    let place = Place { seat, sockets: sockets.clone(), context: context.clone() };
    let caller = context.services.accounts.caller(&grant);
    let rooms: Vec<RoomId> = context.services.rooms.of(&caller).await?.iter().map(|entry| entry.room).collect();
    sockets.hub().enter(seat, &rooms).await?;
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
    let base_url = context.base_url(&request);
    let peer = Rc::new(Peer::new(seat, grant, client));
    sockets.insert(Rc::clone(&peer), permit);
    let viewer = Viewer { user: caller.id, is_extended, base_url };
    let session = Session { context, sockets, speech, viewer, peer };
    if is_extended {
        session.resume(&(speech.resumes)(&query));
    }
    actix_web::rt::spawn(session.run(Frames::new(payload.into_inner())));
    Ok(answer.map_body(|_, _| SocketBody { place, ending, polls: 0 }).map_into_boxed_body())
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
fn choose(routes: &[SocketRoute], query: &[(String, String)], credentials: &Credentials) -> Option<Speech> {
    let named = query.iter().find(|(key, _)| key == "dialect").map(|(_, name)| name.as_str());
    let route = routes.iter().find(|route| match named {
        Some(name) if routes.len() > 1 => route.speech.name == name,
        _ => (route.claims)(credentials),
    });
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

/// The answer's body. It writes nothing itself: it says when the head is out, and keeps the connection until the end.
struct SocketBody {
    place: Place,
    ending: Ending,
    polls: u8,
}

impl MessageBody for SocketBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.ending.poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        // The framework polls before it writes the head, and again after.
        match self.polls {
            0 => cx.waker().wake_by_ref(),
            1 => self.place.sockets.hub().open(self.place.seat),
            _ => return Poll::Pending,
        }
        self.polls += 1;
        Poll::Pending
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
    async fn run(self, mut frames: Frames) {
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
                inbound = frames.next(), if !is_full => inbound,
            };
            session.peer.is_heard();
            let text = match inbound {
                Ok(Inbound::Text(text)) => text,
                Ok(other) => match session.take_control(other) && session.reads() {
                    true => continue,
                    false => break,
                },
                Err(broken) => {
                    session.end(broken);
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
            if !session.reads() {
                break;
            }
        }
        if let Some(mut sending) = sending {
            while sending.next().await.is_some() {}
        }
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

    /// Whether the client reads what it is answered. `false` when the conversation is over.
    fn reads(&self) -> bool {
        let reads = self.sockets.hub().queued_bytes(self.peer.seat) <= MAX_UNREAD_BYTES;
        if !reads {
            self.close(code::POLICY, "asks and does not read");
        }
        reads
    }

    fn end(&self, broken: Broken) {
        match broken {
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
                    && services.rooms.open_direct(&caller, user).await? != room
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
            Command::Resume(rooms) => self.resume(&rooms),
            Command::Ping => return Ok((self.speech.answer)(&Answer::Alive, &self.viewer)),
            Command::Nothing => {}
        }
        Ok(None)
    }

    fn resume(&self, rooms: &[super::speech::Resume]) {
        for resume in rooms {
            let room = resume.after.room;
            let notices = (self.speech.notices)(room, &self.viewer);
            if !self.sockets.hub().resume(self.peer.seat, room, resume.after.entry, notices.clone()) {
                self.say(Some(notices.lost));
            }
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
        // A retry is told to nobody again but to who retries.
        Ok(sent) if sent.is_replay => services.messages.room(sent.message.id.room).await.map(|room| {
            let event = RoomEvent { room, what: Happening::Message(Box::new(sent.message)) };
            session.sockets.hub().show(session.peer.seat, &event);
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
