//! The one loop that drives all WebSockets. Dialects say what frames mean; everything else is here: bounds, order,
//! answers, the end. How a connection comes here stands in [`super::handshake`].

use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesOrdered;

use super::codec::{Answer, Command, Refusal, Resume, SocketCodec, Viewer};
use super::frames::{Broken, Frames, Inbound};
use super::liveness::Peer;
use crate::domain::{Error, Event, Field, Kind, NewMessage, Result, RoomEvent};
use crate::edge::context::Context;
use crate::fanout::{Closed, ConnectionId, Hub};
use crate::metrics::Count;
use crate::service::Receiver;
use crate::websocket::{Close, Opcode, control_frame, text_frame};

/// Sends of one connection that may be under way; more are not read until some have ended.
const SENDS_AT_ONCE: usize = 64;
/// Answers that may wait for a client before it may ask on, in bytes. A single answer may be larger.
const MAX_UNREAD_BYTES: usize = 1024 * 1024;
/// How long a client may take for its answers.
const READING: Duration = Duration::from_secs(30);
const ROOM_CHECK: Duration = Duration::from_millis(20);

/// One connection's conversation.
pub(in crate::edge) struct Session {
    pub(in crate::edge) context: web::Data<Context>,
    pub(in crate::edge) id: ConnectionId,
    pub(in crate::edge) codec: SocketCodec,
    pub(in crate::edge) viewer: Viewer,
    pub(in crate::edge) peer: Rc<Peer>,
}

type Sending = LocalBoxFuture<'static, Option<String>>;

impl Session {
    /// Talks until one of the two ends it. Returns what can still be read.
    pub(in crate::edge) async fn run(self, mut frames: Frames, closed: Closed) -> Frames {
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
                () = closed.wait() => break,
                inbound = frames.next(), if !is_full => inbound,
            };
            session.peer.note_heard();
            let text = match inbound {
                Ok(Inbound::Text(text)) => text,
                Ok(other) => match session.take_control(other) && session.has_room(&closed).await {
                    true => continue,
                    false => {
                        closed.wait().await;
                        break;
                    }
                },
                Err(broken) => {
                    session.end(broken);
                    closed.wait().await;
                    break;
                }
            };
            let decoded = session.context.limits.check_user(session.viewer.user).map_err(Refusal::from);
            let decoded = decoded.and_then(|()| (session.codec.decode)(&text, &session.viewer));
            drop(text);
            match decoded {
                Ok(Command::Send { to, message, reply_to: None, expected_room: None }) => {
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
            if !session.has_room(&closed).await {
                closed.wait().await;
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
    async fn has_room(&self, closed: &Closed) -> bool {
        let started = Instant::now();
        while self.context.hub.queued_bytes(self.id) > MAX_UNREAD_BYTES {
            if started.elapsed() > READING {
                self.close(&Close::NOT_READING);
                return false;
            }
            tokio::select! {
                () = closed.wait() => return true,
                () = tokio::time::sleep(ROOM_CHECK) => {}
            }
        }
        true
    }

    /// Takes what is no text. `false` when the conversation is over.
    fn take_control(&self, inbound: Inbound) -> bool {
        if self.context.limits.check_user(self.viewer.user).is_err() {
            self.context.metrics.count(Count::RateLimited);
            self.close(&Close::TOO_MANY_FRAMES);
            return false;
        }
        let hub = &self.context.hub;
        match inbound {
            Inbound::Ping(payload) if hub.queued_bytes(self.id) < MAX_UNREAD_BYTES => {
                hub.send(self.id, control_frame(Opcode::Pong, &payload));
            }
            Inbound::Ping(_) | Inbound::Pong | Inbound::Text(_) => {}
            Inbound::Binary => self.say(Some(self.refuse(&Error::Malformed("binary frame".to_owned()).into()))),
            Inbound::Close(code) => {
                self.close(&Close::echo(code));
                return false;
            }
        }
        true
    }

    fn end(&self, broken: Broken) {
        match broken {
            // It may still listen.
            Broken::Gone => self.context.hub.close_cut(self.id),
            Broken::Protocol => self.close(&Close::PROTOCOL_ERROR),
            Broken::NotUtf8 => self.close(&Close::NOT_UTF8),
            Broken::TooLarge => self.close(&Close::TOO_LARGE),
        }
    }

    fn close(&self, close: &Close) {
        self.context.hub.close(self.id, close);
    }

    fn say(&self, text: Option<String>) {
        if let Some(text) = text {
            self.context.hub.send(self.id, text_frame(&[&text]));
        }
    }

    fn refuse(&self, refusal: &Refusal) -> String {
        crate::edge::http::errors::log_refusal(&refusal.error, self.codec.name, self.viewer.user);
        if refusal.error.kind() == Kind::RateLimited {
            self.context.metrics.count(Count::RateLimited);
        }
        (self.codec.refuse)(refusal, &self.viewer)
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
            Command::Send { to, mut message, reply_to, expected_room } => {
                if let (Receiver::User(user), Some(room)) = (to, expected_room)
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
                return Ok((self.codec.answer)(&Answer::History(&page, query), &self.viewer));
            }
            Command::Delete(room, seq) => services.messages.delete_at(room, seq, &caller).await?,
            Command::MarkRead(room, seq) => {
                self.context.hub.settle(room).await;
                services.messages.mark_read(room, seq, &caller).await?;
            }
            Command::Type(room) => services.messages.announce_typing(room, &caller).await?,
            Command::Join(room) => services.rooms.join(room, &caller).await?,
            Command::Leave(room) => services.rooms.leave(room, &caller).await?,
            Command::Resume(rooms) => resume(&self.context.hub, self.id, self.codec, &self.viewer, &rooms),
            Command::Ping => return Ok((self.codec.answer)(&Answer::Alive, &self.viewer)),
            Command::Nothing => {}
        }
        Ok(None)
    }
}

/// Makes a connection resume rooms; what is none of its user's is told to be lost.
pub(super) fn resume(hub: &Hub, id: ConnectionId, codec: SocketCodec, viewer: &Viewer, rooms: &[Resume]) {
    for resume in rooms {
        let room = resume.after.room;
        let resume_replies = (codec.resume_replies)(room, viewer);
        if !hub.resume(id, room, resume.after.entry, resume_replies.clone()) {
            hub.send(id, text_frame(&[&resume_replies.lost]));
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
            let event = RoomEvent { room, what: Event::Message(Box::new(sent.message)) };
            session.context.hub.resend(session.id, event);
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
