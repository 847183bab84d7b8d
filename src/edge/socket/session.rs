//! The one loop that drives all WebSockets. Dialects say what frames mean; everything else is here: bounds, order,
//! answers, the end. How a connection comes here stands in [`super::handshake`].

use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesOrdered;

use super::codec::{Answer, Command, Refusal, Request, Resume, SocketCodec, Viewer};
use super::frames::{Broken, Frames, Inbound};
use super::liveness::Peer;
use crate::domain::{Caller, Error, Event, Field, Kind, NewMessage, Result, RoomEvent};
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

/// The frames that answer a request, when it is done.
type Answering = LocalBoxFuture<'static, Vec<String>>;

impl Session {
    /// Talks until one of the two ends it. Returns what can still be read.
    pub(in crate::edge) async fn run(self, mut frames: Frames, closed: Closed) -> Frames {
        let session = Rc::new(self);
        // Sends run concurrently and are answered in their order; every other request waits for them.
        let mut sending: Option<FuturesOrdered<Answering>> = None;
        loop {
            let is_full = sending.as_ref().is_some_and(|sending| sending.len() >= SENDS_AT_ONCE);
            let inbound = tokio::select! {
                biased;
                Some(answers) = next_sent(&mut sending) => {
                    session.say_all(&answers);
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
            let request = session.read(&text);
            drop(text);
            match request {
                Ok(request) if runs_concurrently(&request.command) => {
                    let answering = Rc::clone(&session).answer(request);
                    sending.get_or_insert_default().push_back(Box::pin(answering));
                }
                Ok(request) => {
                    finish(&session, &mut sending).await;
                    let answers = Box::pin(Rc::clone(&session).answer(request)).await;
                    session.say_all(&answers);
                }
                Err(refusal) => {
                    finish(&session, &mut sending).await;
                    session.say(&session.refuse(&refusal));
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
            Inbound::Binary => self.say(&self.refuse(&Error::Malformed("binary frame".to_owned()).into())),
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

    fn say(&self, text: &str) {
        self.context.hub.send(self.id, text_frame(&[text]));
    }

    fn say_all(&self, texts: &[String]) {
        texts.iter().for_each(|text| self.say(text));
    }

    /// Decodes a frame. The limit comes second, so that its refusal says which request it is about.
    fn read(&self, text: &str) -> std::result::Result<Request, Refusal> {
        let request = (self.codec.decode)(text, &self.viewer);
        let Err(error) = self.context.limits.check_user(self.viewer.user) else { return request };
        let subject = request.map_or_else(|refusal| refusal.subject, |request| request.subject());
        Err(Refusal { error, subject })
    }

    fn refuse(&self, refusal: &Refusal) -> String {
        crate::edge::http::errors::log_refusal(&refusal.error, self.codec.name, self.viewer.user);
        if refusal.error.kind() == Kind::RateLimited {
            self.context.metrics.count(Count::RateLimited);
        }
        (self.codec.refuse)(refusal, &self.viewer)
    }

    /// Executes a request. Returns the frames that answer it, as far as the dialect has any.
    async fn answer(self: Rc<Self>, request: Request) -> Vec<String> {
        let subject = request.subject();
        // A pong repeats the reference itself.
        let is_answered_otherwise = matches!(request.command, Command::Ping);
        let answer = match Box::pin(self.execute(request.command, subject.reference.as_deref())).await {
            Ok(answer) => answer,
            Err(error) => return vec![self.refuse(&Refusal { error, subject })],
        };
        let reference = subject.reference.as_deref().filter(|_| !is_answered_otherwise);
        let done = reference.and_then(|it| (self.codec.answer)(&Answer::Done, Some(it), &self.viewer));
        answer.into_iter().chain(done).collect()
    }

    async fn execute(&self, command: Command, reference: Option<&str>) -> Result<Option<String>> {
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
                self.send(&caller, to, message).await?;
            }
            Command::History(query) => {
                let page = services.messages.history(query, &caller).await?;
                return Ok((self.codec.answer)(&Answer::History(&page, query), reference, &self.viewer));
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
            Command::Ping => return Ok((self.codec.answer)(&Answer::Alive, reference, &self.viewer)),
            Command::Nothing => {}
        }
        Ok(None)
    }

    /// Stores a message. Its members see it, the sender among them; of a retry only this connection sees it again.
    async fn send(&self, caller: &Caller, to: Receiver, message: NewMessage) -> Result<()> {
        let messages = &self.context.services.messages;
        let sent = messages.send_to(to, caller, message).await?;
        if sent.is_replay {
            let room = messages.room(sent.message.id.room).await?;
            let event = RoomEvent { room, what: Event::Message(Box::new(sent.message)) };
            self.context.hub.resend(self.id, event);
        }
        Ok(())
    }
}

/// Whether a request may run while others do: a send that takes one round trip. A reply looks its message up first,
/// and a direct room that this node does not know takes round trips of its own.
fn runs_concurrently(command: &Command) -> bool {
    matches!(command, Command::Send { to: Receiver::Room(_), reply_to: None, expected_room: None, .. })
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

/// The next send that has ended; never when none is under way.
async fn next_sent(sending: &mut Option<FuturesOrdered<Answering>>) -> Option<Vec<String>> {
    match sending {
        Some(under_way) if !under_way.is_empty() => under_way.next().await,
        _ => {
            *sending = None;
            None
        }
    }
}

/// Waits for all sends that are under way.
async fn finish(session: &Session, sending: &mut Option<FuturesOrdered<Answering>>) {
    while let Some(answers) = next_sent(sending).await {
        session.say_all(&answers);
    }
}
