//! The format of a transcript: steps over HTTP and WebSockets, in the order in which they are played.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What a client of a specification sends, and what it must receive.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The part of the document that it shows.
    pub(super) about: String,
    /// Users, registered in this order: the first has the id 1.
    pub(super) users: Vec<String>,
    /// Long texts by name: a text and how often it is repeated.
    #[serde(default)]
    pub(super) repeated: BTreeMap<String, (String, usize)>,
    pub(super) steps: Vec<Step>,
}

impl Transcript {
    /// Reads a transcript.
    ///
    /// # Errors
    /// The text is not one.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The part of the document that it shows.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// How many steps it has.
    #[must_use]
    pub fn step_count(&self) -> usize {
        self.steps.len()
    }

    /// The users that it needs, in the order of their ids.
    #[must_use]
    pub fn users(&self) -> &[String] {
        &self.users
    }
}

/// A request with its response, or an action on a socket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The purpose of the step, where it is not obvious.
    #[serde(default)]
    pub(super) note: String,
    /// The user whose token a request carries; none when absent.
    #[serde(rename = "as")]
    pub(super) user: Option<String>,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    /// Repeats the request until the response matches, for what the server does asynchronously.
    #[serde(default)]
    pub(super) eventually: bool,
    pub(super) open: Option<Open>,
    pub(super) send: Option<Send>,
    pub(super) receive: Option<Receive>,
    /// The socket has received nothing else.
    pub(super) quiet: Option<String>,
    /// The client closes the socket.
    pub(super) close: Option<String>,
    pub(super) closed: Option<Closed>,
}

/// A request with at most one kind of body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) json: Option<Value>,
    /// Text fields of a multipart form.
    pub(super) form: Option<BTreeMap<String, String>>,
    /// A file in the same form.
    pub(super) file: Option<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) size: usize,
    /// The extension that matches the content; that of the name when absent.
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) json: Value,
}

/// A handshake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    /// The name of the socket in the steps that follow.
    pub(super) socket: String,
    #[serde(rename = "as")]
    pub(super) user: Option<String>,
    pub(super) path: String,
    #[serde(default)]
    pub(super) token: Place,
    /// The status of a refusal.
    pub(super) refused: Option<u16>,
    /// Whether presence frames are expected. Otherwise they are skipped, because they arrive at any time.
    #[serde(default)]
    pub(super) presence: bool,
}

/// Where a handshake carries the token.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    #[default]
    Query,
    Header,
}

/// A frame from the client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    pub(super) socket: String,
    pub(super) json: Option<Value>,
    /// A text that is no JSON, or no object.
    pub(super) text: Option<String>,
    /// A binary frame.
    pub(super) binary: Option<String>,
    /// No message of the AsyncAPI document has this form.
    #[serde(default)]
    pub(super) malformed: bool,
}

/// The next frame that a socket receives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Receive {
    pub(super) socket: String,
    pub(super) json: Value,
    /// A frame of another type that arrives directly before or after this one.
    pub(super) also: Option<Value>,
}

/// The server closes the socket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Closed {
    pub(super) socket: String,
    pub(super) code: u16,
}

impl Step {
    /// What is done or expected, in a few words.
    pub(super) fn name(&self) -> String {
        match self {
            Self { request: Some(request), .. } => format!("{} {}", request.method, request.path),
            Self { open: Some(open), .. } if open.refused.is_some() => format!("{} is refused", open.path),
            Self { open: Some(open), .. } => format!("{} opens {}", open.socket, open.path),
            Self { send: Some(send), .. } => format!("{} sends {}", send.socket, send.name()),
            Self { receive: Some(receive), .. } => format!("{} receives {}", receive.socket, kind(&receive.json)),
            Self { quiet: Some(socket), .. } => format!("{socket} receives nothing else"),
            Self { close: Some(socket), .. } => format!("{socket} closes"),
            Self { closed: Some(closed), .. } => format!("{} is closed with {}", closed.socket, closed.code),
            _ => "nothing".to_owned(),
        }
    }
}

impl Send {
    fn name(&self) -> &str {
        match &self.json {
            Some(frame) => kind(frame),
            None if self.binary.is_some() => "bytes",
            None => "a text",
        }
    }
}

/// The type of a frame.
fn kind(frame: &Value) -> &str {
    frame["type"].as_str().unwrap_or("a frame")
}
