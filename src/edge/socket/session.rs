//! The one loop that serves all WebSockets. Dialects define what frames mean; limits, order, responses and the end are
//! here.
//! [`super::handshake`] shows how a connection gets here.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesOrdered;

use super::codec::{Answer, Command, Refusal, Request, Resume, SocketCodec, Viewer};
use super::frames::{Broken, Frames, Inbound};
use super::liveness::Peer;
use super::registry::Permit;
use crate::domain::{Caller, Error, Event, Field, HistoryQuery, Kind, NewMessage, Result, RoomEvent};
use crate::edge::context::Context;
use crate::edge::long_answers::LongAnswer;
use crate::fanout::{Closed, ConnectionId, Hub};
use crate::metrics::Count;
use crate::service::{FocusedWindow, Receiver};
use crate::websocket::{Close, Opcode, control_frame, text_frame};

/// Sends of one connection that may be in progress. More are not read until some have ended.
const SENDS_AT_ONCE: usize = 64;
/// Bytes that may wait for a client before its next request is read: more than a queue takes of events, so that these alone
/// hold up no request. The response to one request may be larger.
const MAX_UNREAD_BYTES: usize = 320 * 1024;
/// Maximum size of a response in bytes. A page of history is cut to it.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// More than what surrounds the messages of a page.
const PAGE_FRAME_BYTES: usize = 1024;
/// How long a client may take to read its answers.
const READING: Duration = Duration::from_secs(30);
const ROOM_CHECK: Duration = Duration::from_millis(20);

/// A connection that is registered with its worker's hub ([`super::registration`]), and what serves its requests.
pub(super) struct Session {
    pub(super) context: web::Data<Context>,
    pub(super) id: ConnectionId,
    pub(super) closed: Closed,
    pub(super) codec: SocketCodec,
    pub(super) viewer: Viewer,
    pub(super) peer: Rc<Peer>,
    /// Given back when the connection is removed, before its user is announced as offline.
    pub(super) permit: Option<Permit>,
    /// Held while a page of history is under way or unread.
    pub(super) page: Cell<Option<LongAnswer>>,
    /// Held while the client's window has the focus.
    pub(super) focused: Cell<Option<FocusedWindow>>,
}

/// The frames that answer a request, once it is done.
type Answering = LocalBoxFuture<'static, Vec<String>>;
/// Sends in progress: they run concurrently and are answered in their order. `None` while there are none, which keeps
/// an idle session small.
type Sending = Option<FuturesOrdered<Answering>>;

/// What became of a frame.
enum Handled<'a> {
    Done,
    /// The request waits for the sends before it. Boxed, so that an idle session keeps no room for it.
    Later(LocalBoxFuture<'a, ()>),
    /// The connection ends by it.
    Last,
}

impl Session {
    /// Serves requests until the connection ends.
    pub(super) async fn run(self: &Rc<Self>, frames: &mut Frames) {
        let mut sending: Sending = None;
        loop {
            let is_full = sending.as_ref().is_some_and(|sending| sending.len() >= SENDS_AT_ONCE);
            let inbound = tokio::select! {
                biased;
                Some(answers) = next_sent(&mut sending) => {
                    self.say_all(&answers);
                    continue;
                }
                () = self.closed.wait() => break,
                inbound = frames.next(), if !is_full => inbound,
            };
            self.peer.note_heard();
            let is_last = match self.handle(inbound, &mut sending) {
                Handled::Done => false,
                Handled::Later(answering) => {
                    answering.await;
                    false
                }
                Handled::Last => true,
            };
            if is_last || !self.has_room().await {
                self.closed.wait().await;
                break;
            }
        }
        // Requests are finished, whether or not anyone is left to receive the response.
        if let Some(mut sending) = sending {
            while sending.next().await.is_some() {}
        }
    }

    /// Handles what came from the client.
    fn handle<'a>(self: &'a Rc<Self>, inbound: Result<Inbound, Broken>, sending: &'a mut Sending) -> Handled<'a> {
        let text = match inbound {
            Ok(Inbound::Text(text)) => text,
            Ok(control) => return self.handle_control(control),
            Err(broken) => {
                self.end(broken);
                return Handled::Last;
            }
        };
        match self.read(&text) {
            // After a break the account is read first, which must not let a later send overtake.
            Ok(request) if runs_concurrently(&request.command) && self.is_confirmed() => {
                let answering = Rc::clone(self).answer(request);
                sending.get_or_insert_default().push_back(Box::pin(answering));
                Handled::Done
            }
            request => Handled::Later(Box::pin(self.answer_in_turn(request, sending))),
        }
    }

    /// Answers a request, or refuses a frame, after the sends before it.
    async fn answer_in_turn(self: &Rc<Self>, request: Result<Request, Refusal>, sending: &mut Sending) {
        self.finish(sending).await;
        match request {
            Ok(request) => self.say_all(&Rc::clone(self).answer(request).await),
            Err(refusal) => self.say(&self.refuse(&refusal)),
        }
    }

    fn is_confirmed(&self) -> bool {
        self.context.services.accounts.is_confirmed(&self.peer.grant)
    }

    /// Waits for all sends in progress, and sends their responses.
    async fn finish(&self, sending: &mut Sending) {
        while let Some(answers) = next_sent(sending).await {
            self.say_all(&answers);
        }
    }

    /// Waits until the client has read most of its responses. Returns `false` when it does not, which ends the
    /// connection.
    async fn has_room(&self) -> bool {
        // Boxed, so that an idle session keeps no room for a timer.
        let is_read = !self.is_backed_up() || Box::pin(self.is_read_in_time()).await;
        if is_read {
            self.page.take();
        }
        is_read
    }

    /// Whether so much waits for the client that no further request is read.
    fn is_backed_up(&self) -> bool {
        self.context.hub.queued_bytes(self.id) > MAX_UNREAD_BYTES
    }

    async fn is_read_in_time(&self) -> bool {
        let started = Instant::now();
        while self.is_backed_up() {
            if started.elapsed() > READING {
                self.close(&Close::NOT_READING);
                return false;
            }
            tokio::select! {
                () = self.closed.wait() => break,
                () = tokio::time::sleep(ROOM_CHECK) => {}
            }
        }
        true
    }

    /// Handles a frame that is not text.
    fn handle_control(&self, inbound: Inbound) -> Handled<'static> {
        if self.context.services.limits.check_request(self.viewer.user).is_err() {
            self.context.metrics.count(Count::RateLimited);
            self.close(&Close::TOO_MANY_FRAMES);
            return Handled::Last;
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
                return Handled::Last;
            }
        }
        Handled::Done
    }

    fn end(&self, broken: Broken) {
        match broken {
            // The client may only have stopped sending.
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
        let Err(error) = self.context.services.limits.check_request(self.viewer.user) else { return request };
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
        // A resumption is answered by the hub, once Redis is back.
        if !matches!(command, Command::Ping | Command::Nothing | Command::Focus(_) | Command::Resume(_)) {
            services.accounts.confirm(&self.peer.grant).await?;
        }
        let caller = services.accounts.caller(&self.peer.grant);
        match command {
            Command::Send { to, mut message, reply_to, forwarded_from, expected_room } => {
                if let (Receiver::User(user), Some(room)) = (to, expected_room)
                    && services.rooms.direct_with(&caller, user).await? != Some(room)
                {
                    return Err(Error::Invalid(Field::RoomId));
                }
                if let (Receiver::Room(room), Some(seq)) = (to, reply_to) {
                    message.reply_to = Some(services.messages.replied(room, seq, &caller).await?);
                }
                if let Some(original) = forwarded_from {
                    *message = services.messages.forwarding(original, &caller, *message).await?;
                }
                self.send(&caller, to, *message).await?;
            }
            Command::History(query) => {
                self.page.set(Some(self.context.long_answers.admit(caller.id).await?));
                let query = HistoryQuery { max_bytes: Some(MAX_ANSWER_BYTES - PAGE_FRAME_BYTES), ..query };
                let page = services.messages.history(query, &caller).await?;
                return Ok((self.codec.answer)(&Answer::History(&page, query), reference, &self.viewer));
            }
            Command::Delete(room, seq) => services.messages.delete_at(room, seq, &caller).await?,
            Command::Edit(room, seq, content) => services.messages.edit(room, seq, &caller, &content).await?,
            Command::React { room, seq, emoji, is_on } => {
                services.messages.react((room, seq), &caller, &emoji, is_on).await?;
            }
            Command::Pin { room, seq, is_on } => services.messages.pin((room, seq), &caller, is_on).await?,
            Command::MarkRead(room, seq) => {
                self.context.hub.settle(room).await;
                services.messages.mark_read(room, seq, &caller).await?;
            }
            Command::MarkUnread(room, seq) => services.messages.mark_unread(room, seq, &caller).await?,
            Command::Type(room) => services.messages.announce_typing(room, &caller).await?,
            Command::Join(room) => services.rooms.join(room, &caller).await?,
            Command::Leave(room) => services.rooms.leave(room, &caller).await?,
            Command::Resume(rooms) => resume(&self.context.hub, self.id, self.codec, &self.viewer, &rooms),
            Command::Focus(is_on) => self.focused.set(is_on.then(|| services.focus.enter(caller.id))),
            Command::Ping => return Ok((self.codec.answer)(&Answer::Alive, reference, &self.viewer)),
            Command::Nothing => {}
        }
        Ok(None)
    }

    /// Stores a message. All members of the room receive it, the sender included; a retry is sent to this connection only.
    async fn send(&self, caller: &Caller, to: Receiver, message: NewMessage) -> Result<()> {
        let messages = &self.context.services.messages;
        let sent = {
            let span = self.context.spans.request(|| None);
            let sent = span.around(messages.send_to(to, caller, message)).await;
            span.if_sampled(|span| {
                span.rename("WebSocket send".to_owned());
                span.set("dialect", self.codec.name);
                if sent.is_err() {
                    span.fail();
                }
            });
            sent?
        };
        if sent.is_replay {
            let room = messages.room(sent.message.id.room).await?;
            let event = RoomEvent { room, what: Event::Message(Box::new(sent.message)) };
            self.context.hub.resend(self.id, event);
        }
        Ok(())
    }
}

/// Whether a request may run while others do. Only a send of one round trip may: a reply and a copy look up their message
/// first, a text the users whom it may mention, and a direct room that this node does not know takes round trips of its
/// own.
fn runs_concurrently(command: &Command) -> bool {
    match command {
        Command::Send { to: Receiver::Room(_), reply_to: None, forwarded_from: None, expected_room: None, message } => {
            !message.text.as_str().contains('@')
        }
        _ => false,
    }
}

/// Resumes rooms for a connection. Rooms to which it is not subscribed count as lost.
pub(super) fn resume(hub: &Hub, id: ConnectionId, codec: SocketCodec, viewer: &Viewer, rooms: &[Resume]) {
    for resume in rooms {
        let room = resume.after.room;
        let resume_replies = (codec.resume_replies)(room, viewer);
        if !hub.resume(id, room, resume.after.entry, resume_replies.clone()) {
            hub.send(id, text_frame(&[&resume_replies.lost]));
        }
    }
}

/// Waits for the next send to end. Returns `None` when none is under way.
async fn next_sent(sending: &mut Sending) -> Option<Vec<String>> {
    match sending {
        Some(under_way) if !under_way.is_empty() => under_way.next().await,
        _ => {
            *sending = None;
            None
        }
    }
}
