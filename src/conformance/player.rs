//! Plays a transcript and records every difference from the expected responses and frames.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::accounts::Account;
use super::client::{Came, NotOpened, Server, Socket, send};
use super::memory::Memory;
use super::request::{Filled, is_shared, shortened};
use super::symbols::Unknown;
use super::transcript::{Closed, Open, Place, Receive, Request, Response, Send, Step, Transcript};

/// The text of messages that only show that nothing else is in flight.
const FENCE: &str = "fence-";
/// Time between two attempts for what a server does asynchronously.
const POLL: Duration = Duration::from_millis(20);

/// What a handshake asked for.
#[derive(Clone)]
pub struct Handshake {
    /// The path with its query.
    pub path: String,
    /// Whether the token was in the query, too.
    pub has_token_in_query: bool,
}

/// Sees every frame. What it returns is a difference.
pub trait Watch {
    /// The client sends a frame, which is malformed on purpose or not.
    fn sent(&mut self, socket: &Handshake, frame: &Value, is_malformed: bool) -> Option<String>;
    /// The server has sent a frame that was expected.
    fn received(&mut self, socket: &Handshake, frame: &Value) -> Option<String>;
}

impl Watch for () {
    fn sent(&mut self, _: &Handshake, _: &Value, _: bool) -> Option<String> {
        None
    }

    fn received(&mut self, _: &Handshake, _: &Value) -> Option<String> {
        None
    }
}

/// How to find out that a socket receives nothing else.
#[derive(Clone, Copy)]
pub enum Quiet {
    /// By a message to all through document 003: events reach a socket in order.
    Fence,
    /// By waiting for so long.
    Within(Duration),
}

/// The outcome of a step.
pub struct Played {
    /// From 1; `None` for checks after the last step.
    pub number: Option<usize>,
    /// The action or expectation.
    pub name: String,
    /// The transcript's remark on the step.
    pub note: String,
    /// The differences.
    pub differences: Vec<String>,
}

/// A transcript that is being played.
pub struct Player<W> {
    server: Server,
    /// With the transcript's names of their users.
    accounts: Vec<(String, Account)>,
    sockets: BTreeMap<String, Client>,
    memory: Memory,
    quiet: Quiet,
    watch: W,
    differences: Vec<String>,
}

struct Client {
    socket: Socket,
    handshake: Handshake,
    hears_presence: bool,
}

impl<W: Watch> Player<W> {
    /// A player with these accounts, which belong to the transcript's users in their order.
    pub fn new(
        server: Server,
        transcript: &Transcript,
        accounts: Vec<Account>,
        (mut memory, quiet): (Memory, Quiet),
        watch: W,
    ) -> Self {
        let accounts = transcript.users.iter().cloned().zip(accounts).collect();
        for (name, (text, times)) in &transcript.repeated {
            memory.remember(name, text.repeat(*times).into());
        }
        Self { server, accounts, sockets: BTreeMap::new(), memory, quiet, watch, differences: Vec::new() }
    }

    /// Plays all steps, then checks that no socket received anything else. Stops early if all that follows would differ
    /// as well.
    pub async fn play(&mut self, transcript: &Transcript, mut report: impl FnMut(Played)) {
        for (number, step) in (1..).zip(&transcript.steps) {
            if let Err(unknown) = self.take(step).await {
                self.differences.push(unknown.to_string());
            }
            let differences = std::mem::take(&mut self.differences);
            let opens = step.open.as_ref().is_some_and(|open| open.refused.is_none());
            let is_over = !differences.is_empty() && (opens || !self.sockets.is_empty());
            report(Played { number: Some(number), name: step.name(), note: step.note.clone(), differences });
            if is_over {
                return;
            }
        }
        let open: Vec<String> = self.sockets.keys().cloned().collect();
        for socket in open {
            self.expect_quiet(&socket).await;
        }
        let differences = std::mem::take(&mut self.differences);
        if !differences.is_empty() {
            report(Played { number: None, name: "the end".to_owned(), note: String::new(), differences });
        }
    }

    async fn take(&mut self, step: &Step) -> Result<(), Unknown> {
        match step {
            Step { request: Some(request), response: Some(response), user, eventually, .. } => {
                return self.call(request, response, user.as_deref(), *eventually).await;
            }
            Step { open: Some(open), .. } => return self.open(open).await,
            Step { send: Some(send), .. } => return self.send(send).await,
            Step { receive: Some(receive), .. } => self.receive(receive).await?,
            Step { quiet: Some(socket), .. } => self.expect_quiet(socket).await,
            Step { closed: Some(closed), .. } => self.expect_close(closed).await?,
            Step { close: Some(name), .. } => {
                let patience = self.server.patience;
                self.client(name)?.socket.close(patience).await;
                self.sockets.remove(name);
            }
            _ => self.differences.push("a step without anything to do".to_owned()),
        }
        Ok(())
    }

    fn token(&self, user: Option<&str>) -> Result<Option<String>, Unknown> {
        let Some(name) = user else { return Ok(None) };
        let account = self.accounts.iter().find(|(user, _)| user == name);
        let (_, account) = account.ok_or_else(|| Unknown(format!("the account of {name}")))?;
        Ok(Some(account.token.clone()))
    }

    fn client(&mut self, name: &str) -> Result<&mut Client, Unknown> {
        self.sockets.get_mut(name).ok_or_else(|| Unknown(format!("the socket {name}")))
    }

    async fn call(
        &mut self,
        request: &Request,
        response: &Response,
        user: Option<&str>,
        eventually: bool,
    ) -> Result<(), Unknown> {
        let token = self.token(user)?;
        let started = Instant::now();
        loop {
            let differences = self.try_call(request, response, token.as_deref()).await?;
            if differences.is_empty() || !eventually || started.elapsed() > self.server.patience {
                self.differences.extend(differences);
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn try_call(
        &mut self,
        request: &Request,
        response: &Response,
        token: Option<&str>,
    ) -> Result<Vec<String>, Unknown> {
        let filled = Filled::of(request, &self.memory)?;
        let at = format!("{} {}", request.method, filled.path);
        let answer = match send(|| filled.builder(&self.server, request, token)).await {
            Ok(answer) => answer,
            Err(error) => return Ok(vec![format!("{at}: {error}")]),
        };
        let status = answer.status().as_u16();
        let content_type = answer.headers().get(CONTENT_TYPE).cloned();
        let text = match answer.text().await {
            Ok(text) => text,
            Err(error) => return Ok(vec![format!("{at}: {error}")]),
        };
        let mut differences = Vec::new();
        if status != response.status {
            differences.push(format!("{at}: status {status} instead of {}: {}", response.status, shortened(&text)));
        } else if !content_type.as_ref().is_some_and(|found| self.memory.is_json(found)) {
            differences.push(format!("{at}: content type {content_type:?} instead of application/json"));
        } else {
            match serde_json::from_str::<Value>(&text) {
                Ok(found) => {
                    let at = format!("{at}: body");
                    match is_shared(request) {
                        true => self.memory.compare_shared(&response.json, &found, &at, &mut differences),
                        false => self.memory.compare(&response.json, &found, &at, &mut differences),
                    }
                }
                Err(error) => differences.push(format!("{at}: {error}: {}", shortened(&text))),
            }
        }
        Ok(differences)
    }

    async fn open(&mut self, open: &Open) -> Result<(), Unknown> {
        let path = self.memory.fill_path(&open.path)?;
        let token = self.token(open.user.as_deref())?;
        let (query, header) = match open.token {
            Place::Query => (token, None),
            Place::Header => (None, token),
        };
        let mark = if path.contains('?') { '&' } else { '?' };
        let address = query.as_ref().map_or_else(|| path.clone(), |token| format!("{path}{mark}token={token}"));
        match (self.server.open(&address, header.as_deref()).await, open.refused) {
            (Ok(socket), None) => {
                let handshake = Handshake { path, has_token_in_query: query.is_some() };
                let client = Client { socket, handshake, hears_presence: open.presence };
                self.sockets.insert(open.socket.clone(), client);
            }
            (Err(NotOpened::Refused(found)), Some(wanted)) if found == wanted => {}
            (Err(NotOpened::Refused(found)), None) => self.differences.push(format!("{path}: refused with {found}")),
            (Err(NotOpened::Refused(found)), Some(wanted)) => {
                self.differences.push(format!("{path}: refused with {found} instead of {wanted}"));
            }
            (Err(NotOpened::Failed(reason)), _) => self.differences.push(format!("{path}: {reason}")),
            (Ok(_), Some(wanted)) => self.differences.push(format!("{path}: opened instead of refused with {wanted}")),
        }
        Ok(())
    }

    async fn send(&mut self, send: &Send) -> Result<(), Unknown> {
        let frame = send.json.as_ref().map(|json| self.memory.fill(json)).transpose()?;
        let text = send.text.as_ref().map(|text| self.memory.fill_text(text)).transpose()?;
        let handshake = self.client(&send.socket)?.handshake.clone();
        if let Some(frame) = &frame {
            self.differences.extend(self.watch.sent(&handshake, frame, send.malformed));
        }
        let message = match (frame, text, &send.binary) {
            (Some(frame), None, None) => Message::text(frame.to_string()),
            (None, Some(text), None) => Message::text(text),
            (None, None, Some(bytes)) => Message::binary(bytes.clone().into_bytes()),
            _ => return Err(Unknown("a frame that is not one of json, text and binary".to_owned())),
        };
        self.client(&send.socket)?.socket.send(message).await;
        Ok(())
    }

    async fn receive(&mut self, receive: &Receive) -> Result<(), Unknown> {
        let Receive { socket, json, also } = receive;
        let patience = self.server.patience;
        let mut wanted: Vec<&Value> = also.iter().chain([json]).collect();
        while !wanted.is_empty() {
            let frame = match self.client(socket)?.next(patience).await {
                Came::Frame(frame) => frame,
                other => {
                    let wanted = self.shown(wanted[0]);
                    self.differences.push(format!("{socket}: {other} instead of {wanted}"));
                    return Ok(());
                }
            };
            if is_other_presence(&frame, &wanted) {
                continue;
            }
            let place = wanted.iter().position(|wanted| wanted["type"] == frame["type"]).unwrap_or(wanted.len() - 1);
            self.memory.compare(wanted.remove(place), &frame, socket, &mut self.differences);
            let handshake = self.client(socket)?.handshake.clone();
            self.differences.extend(self.watch.received(&handshake, &frame));
        }
        Ok(())
    }

    /// An expected frame as far as its values are known.
    fn shown(&self, wanted: &Value) -> String {
        self.memory.fill(wanted).unwrap_or_else(|_| wanted.clone()).to_string()
    }

    async fn expect_close(&mut self, closed: &Closed) -> Result<(), Unknown> {
        let patience = self.server.patience;
        match self.client(&closed.socket)?.next(patience).await {
            Came::End(Some(code)) if code == closed.code => {}
            other => self.differences.push(format!("{}: {other} instead of code {}", closed.socket, closed.code)),
        }
        self.sockets.remove(&closed.socket);
        Ok(())
    }

    async fn expect_quiet(&mut self, name: &str) {
        let (text, patience) = match self.quiet {
            Quiet::Within(time) => (None, time),
            Quiet::Fence => (self.put_fence().await, self.server.patience),
        };
        loop {
            let Ok(client) = self.client(name) else { return };
            match (client.next_raw(patience).await, &text) {
                (Came::Frame(frame), Some(text)) if frame.to_string().contains(text) => return,
                (Came::Frame(frame), _) if is_fence(&frame) || is_other_presence(&frame, &[]) => {}
                (Came::Nothing, None) => return,
                (other @ (Came::End(_) | Came::Nothing), _) => {
                    return self.differences.push(format!("{name}: {other} instead of a silent connection"));
                }
                (other, _) => self.differences.push(format!("{name}: {other} instead of nothing")),
            }
        }
    }

    /// Sends a message to all that nothing else looks like.
    async fn put_fence(&mut self) -> Option<String> {
        let text = format!("{FENCE}{}", uuid::Uuid::new_v4().simple());
        let token = self.accounts.first().map(|(_, account)| account.token.clone()).unwrap_or_default();
        let body = json!({"message_type": "text", "content": text, "reply_to": null});
        let url = self.server.url("/api/chat/send?room_id=global");
        let sent = send(|| self.server.http.post(&url).bearer_auth(&token).json(&body)).await;
        if !sent.is_ok_and(|answer| answer.status() == 200) {
            self.differences.push("no message to all could be sent".to_owned());
        }
        Some(text)
    }

    /// Who watched.
    pub fn into_watch(self) -> W {
        self.watch
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
    async fn next(&mut self, patience: Duration) -> Came {
        loop {
            match self.next_raw(patience).await {
                Came::Frame(frame) if is_fence(&frame) => {}
                other => return other,
            }
        }
    }

    async fn next_raw(&mut self, patience: Duration) -> Came {
        loop {
            match self.socket.next(patience).await {
                Came::Frame(frame) if frame["type"] == "presence" && !self.hears_presence => {}
                other => return other,
            }
        }
    }
}
