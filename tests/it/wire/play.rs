//! Plays a transcript and records every difference from what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::pattern::Memory;
use super::transcript::{Closed, File, Open, Place, Receive, Request, Response, Send, Step, Transcript};
use crate::asyncapi::{AsyncApi, Direction};
use crate::samples::sample;
use crate::socket::Socket;
use crate::support::{PATIENCE, User, World, unique};

/// The text of messages that only show that nothing else is in flight.
const FENCE: &str = "fence-";

/// A transcript that is being played.
pub struct Player<'a> {
    world: &'a World,
    asyncapi: &'a AsyncApi,
    users: Vec<User<'a>>,
    sockets: BTreeMap<String, Client>,
    memory: Memory,
    /// Messages of the AsyncAPI document that occurred.
    pub seen: BTreeSet<String>,
    differences: Vec<String>,
}

/// A received frame, or the end.
#[derive(Debug)]
enum Came {
    Frame(Value),
    /// The end, with its close code.
    End(Option<u16>),
    Nothing,
}

struct Client {
    socket: Socket,
    channel: &'static str,
    hears_presence: bool,
}

impl<'a> Player<'a> {
    pub async fn new(world: &'a World, asyncapi: &'a AsyncApi, transcript: &Transcript, mut memory: Memory) -> Self {
        let mut users = Vec::new();
        for user in &transcript.users {
            users.push(world.user(0, user).await);
        }
        for (name, (text, times)) in &transcript.repeated {
            memory.remember(name, text.repeat(*times).into());
        }
        let (sockets, seen, differences) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { world, asyncapi, users, sockets, memory, seen, differences }
    }

    /// Plays all steps, then checks that no socket received anything else.
    pub async fn play(&mut self, transcript: &Transcript, name: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, step) in (1..).zip(&transcript.steps) {
            self.take(step).await;
            let at = format!("{name}.json ({}), step {number} {}", transcript.about, step.note);
            wrong.extend(self.differences.drain(..).map(|difference| format!("{at}\n    {difference}")));
            if !wrong.is_empty() && !self.sockets.is_empty() {
                return wrong; // the following steps would fail as well
            }
        }
        let open: Vec<String> = self.sockets.keys().cloned().collect();
        for socket in open {
            self.expect_quiet(&socket).await;
        }
        wrong.extend(self.differences.drain(..).map(|difference| format!("{name}.json, at the end\n    {difference}")));
        wrong
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step { request: Some(request), response: Some(response), user, eventually, .. } => {
                self.call(request, response, user.as_deref(), *eventually).await;
            }
            Step { open: Some(open), .. } => self.open(open).await,
            Step { send: Some(send), .. } => self.send(send).await,
            Step { receive: Some(receive), .. } => self.receive(receive).await,
            Step { quiet: Some(socket), .. } => self.expect_quiet(socket).await,
            Step { closed: Some(closed), .. } => self.expect_close(closed).await,
            Step { close: Some(name), .. } => {
                self.client(name).socket.close().await;
                self.sockets.remove(name);
            }
            _ => panic!("a step without anything to do"),
        }
    }

    fn user(&self, name: Option<&str>) -> Option<&User<'a>> {
        name.map(|name| self.users.iter().find(|user| user.name == name).expect("a user"))
    }

    fn client(&mut self, name: &str) -> &mut Client {
        self.sockets.get_mut(name).unwrap_or_else(|| panic!("{name} is not open"))
    }

    async fn call(&mut self, request: &Request, response: &Response, user: Option<&str>, eventually: bool) {
        let at = format!("{} {}", request.method, request.path);
        let started = Instant::now();
        loop {
            let answer = self.request(request, self.user(user)).send().await;
            let answer = answer.unwrap_or_else(|error| panic!("{at}: {error}"));
            let status = answer.status().as_u16();
            let content_type = answer.headers().get(CONTENT_TYPE).cloned();
            let text = answer.text().await.unwrap_or_else(|error| panic!("{at}: {error}"));
            let mut differences = Vec::new();
            if status != response.status {
                differences.push(format!("{at}: status {status} instead of {}: {text}", response.status));
            } else if content_type != Some(HeaderValue::from_static("application/json")) {
                differences.push(format!("{at}: content type {content_type:?}"));
            } else {
                let found: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{at}: {error}: {text}"));
                self.memory.compare(&response.json, &found, &format!("{at}: body"), &mut differences);
            }
            if differences.is_empty() || !eventually || started.elapsed() > PATIENCE {
                self.differences.extend(differences);
                return;
            }
        }
    }

    fn request(&self, request: &Request, user: Option<&User<'a>>) -> RequestBuilder {
        let memory = &self.memory;
        let method: Method = request.method.parse().expect("a method");
        let mut builder = self.world.client.request(method, self.world.url(0, &memory.fill_text(&request.path)));
        if let Some(user) = user {
            builder = builder.bearer_auth(&user.token);
        }
        let headers = request.headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(&memory.fill_text(value)).expect("a header's value");
            (name.parse::<HeaderName>().expect("a header's name"), value)
        });
        // Replaces the client's header, so that a step may have a token of its own.
        builder = builder.headers(headers.collect::<HeaderMap>());
        if let Some(body) = &request.json {
            return builder.json(&memory.fill(body));
        }
        if request.form.is_none() && request.file.is_none() {
            return builder;
        }
        let fields = request.form.iter().flatten();
        let mut form = fields.fold(Form::new(), |form, (name, value)| form.text(name.clone(), memory.fill_text(value)));
        if let Some(File { field, name, size, content }) = &request.file {
            let (_, extension) = name.rsplit_once('.').expect("an extension");
            let bytes = sample(content.as_deref().unwrap_or(extension), *size);
            form = form.part(field.clone(), Part::bytes(bytes).file_name(name.clone()));
        }
        builder.multipart(form)
    }

    async fn open(&mut self, open: &Open) {
        let path = self.memory.fill_text(&open.path);
        let token = self.user(open.user.as_deref()).map(|user| user.token.clone());
        let (query, header) = match open.token {
            Place::Query => (token, None),
            Place::Header => (None, token),
        };
        let opened = Socket::open(&self.world.base(0), &path, query.as_deref(), header.as_deref()).await;
        match (opened, open.refused) {
            (Ok(socket), None) => {
                let channel = AsyncApi::channel(&path, query.is_some());
                let client = Client { socket, channel, hears_presence: open.presence };
                assert!(self.sockets.insert(open.socket.clone(), client).is_none(), "{} is open", open.socket);
            }
            (Err(found), Some(wanted)) if found == wanted => {}
            (Err(found), _) => self.differences.push(format!("{path}: refused with {found}")),
            (Ok(_), Some(_)) => self.differences.push(format!("{path}: opened")),
        }
    }

    async fn send(&mut self, send: &Send) {
        let frame = send.json.as_ref().map(|json| self.memory.fill(json));
        let channel = self.client(&send.socket).channel;
        if let Some(frame) = &frame {
            match (self.asyncapi.message(channel, Direction::FromClient, frame), send.malformed) {
                (Ok(message), false) => self.note(channel, &message),
                (Err(_), true) => {}
                (Ok(message), true) => self.differences.push(format!("the AsyncAPI document takes it for {message}")),
                (Err(error), false) => self.differences.push(format!("not in the AsyncAPI document: {error}")),
            }
        }
        let text = send.text.as_ref().map(|text| self.memory.fill_text(text));
        let socket = &mut self.client(&send.socket).socket;
        match (frame, text, &send.binary) {
            (Some(frame), None, None) => socket.send(&frame).await,
            (None, Some(text), None) => socket.send_text(text).await,
            (None, None, Some(bytes)) => {
                socket.send_raw(Message::binary(bytes.clone().into_bytes())).await;
            }
            _ => panic!("a frame is one of json, text and binary"),
        }
    }

    fn note(&mut self, channel: &str, message: &str) {
        self.seen.insert(format!("{channel}.{message}"));
    }

    async fn receive(&mut self, receive: &Receive) {
        let Receive { socket, json, also } = receive;
        let mut wanted: Vec<&Value> = also.iter().chain([json]).collect();
        while !wanted.is_empty() {
            let Came::Frame(frame) = self.client(socket).next().await else {
                return self.differences.push(format!("{socket}: nothing instead of {wanted:?}"));
            };
            if is_other_presence(&frame, &wanted) {
                continue;
            }
            let place = wanted.iter().position(|wanted| wanted["type"] == frame["type"]).unwrap_or(wanted.len() - 1);
            self.compare(socket, wanted.remove(place), &frame);
        }
    }

    fn compare(&mut self, socket: &str, wanted: &Value, frame: &Value) {
        let channel = self.client(socket).channel;
        self.memory.compare(wanted, frame, socket, &mut self.differences);
        match self.asyncapi.message(channel, Direction::FromServer, frame) {
            Ok(message) => self.note(channel, &message),
            Err(error) => self.differences.push(format!("not in the AsyncAPI document: {error}")),
        }
    }

    async fn expect_close(&mut self, closed: &Closed) {
        match self.client(&closed.socket).next().await {
            Came::End(Some(code)) if code == closed.code => {}
            other => self.differences.push(format!("{}: {other:?} instead of {}", closed.socket, closed.code)),
        }
        self.sockets.remove(&closed.socket);
    }

    /// Events reach a socket in order: a further one shows that there was no other.
    async fn expect_quiet(&mut self, name: &str) {
        let text = unique(FENCE);
        let body = json!({"message_type": "text", "content": text, "reply_to": null});
        let sent = self.users[0].post(0, "send?room_id=global").json(&body).send().await.expect("answered");
        assert_eq!(sent.status(), 200);
        loop {
            match self.client(name).next_raw().await {
                Came::Frame(frame) if frame.to_string().contains(&text) => return,
                Came::Frame(frame) if is_fence(&frame) || is_other_presence(&frame, &[]) => {}
                Came::Frame(frame) => self.differences.push(format!("{name}: should have got nothing, got {frame}")),
                other => return self.differences.push(format!("{name}: {other:?} instead of a message to all")),
            }
        }
    }
}

fn is_fence(frame: &Value) -> bool {
    frame.to_string().contains(FENCE)
}

/// Whether a frame tells the presence of other users than expected: a new connection is told the state of its rooms a
/// moment later, wherever the transcript is then.
fn is_other_presence(frame: &Value, wanted: &[&Value]) -> bool {
    let users = &frame["payload"]["users"];
    frame["type"] == "presence"
        && !wanted.iter().any(|wanted| wanted["type"] == "presence" && wanted["payload"]["users"] == *users)
}

impl Client {
    /// The next frame that the transcript expects.
    async fn next(&mut self) -> Came {
        loop {
            match self.next_raw().await {
                Came::Frame(frame) if is_fence(&frame) => {}
                other => return other,
            }
        }
    }

    async fn next_raw(&mut self) -> Came {
        loop {
            match self.socket.next_within(PATIENCE).await {
                Some(Ok(frame)) if frame["type"] == "presence" && !self.hears_presence => {}
                Some(Ok(frame)) => return Came::Frame(frame),
                Some(Err(code)) => return Came::End(code),
                None => return Came::Nothing,
            }
        }
    }
}
