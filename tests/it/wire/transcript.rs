//! The form of a transcript: steps over HTTP and over WebSockets, in the order in which they are played.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The part of the document that it shows.
    pub about: String,
    /// Users, registered in this order: the first has the id 1.
    pub users: Vec<String>,
    /// Long texts by name: a text and how often it is repeated.
    #[serde(default)]
    pub repeated: BTreeMap<String, (String, usize)>,
    pub steps: Vec<Step>,
}

/// A request with its response, or an action on a socket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The purpose of the step, where it is not obvious.
    #[serde(default)]
    pub note: String,
    /// The user whose token a request carries; none when absent.
    #[serde(rename = "as")]
    pub user: Option<String>,
    pub request: Option<Request>,
    pub response: Option<Response>,
    /// Repeats the request until the response matches, for what the server does asynchronously.
    #[serde(default)]
    pub eventually: bool,
    pub open: Option<Open>,
    pub send: Option<Send>,
    pub receive: Option<Receive>,
    /// The socket has received nothing else.
    pub quiet: Option<String>,
    /// The client closes the socket.
    pub close: Option<String>,
    pub closed: Option<Closed>,
}

/// A request with at most one kind of body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub json: Option<Value>,
    /// Text fields of a multipart form.
    pub form: Option<BTreeMap<String, String>>,
    /// A file in the same form.
    pub file: Option<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub field: String,
    pub name: String,
    pub size: usize,
    /// The extension that matches the content; that of the name when absent.
    pub content: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub status: u16,
    pub json: Value,
}

/// A handshake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The name of the socket in the steps that follow.
    pub socket: String,
    #[serde(rename = "as")]
    pub user: Option<String>,
    pub path: String,
    #[serde(default)]
    pub token: Place,
    /// The status of a refusal.
    pub refused: Option<u16>,
    /// Whether presence frames are expected. Otherwise they are skipped, because they arrive at any time.
    #[serde(default)]
    pub presence: bool,
}

/// Where a handshake carries the token.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    #[default]
    Query,
    Header,
}

/// A frame from the client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    pub socket: String,
    pub json: Option<Value>,
    /// A text that is no JSON, or no object.
    pub text: Option<String>,
    /// A binary frame.
    pub binary: Option<String>,
    /// No message of the AsyncAPI document has this form.
    #[serde(default)]
    pub malformed: bool,
}

/// The next frame that a socket receives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    pub socket: String,
    pub json: Value,
    /// A frame of another type that arrives directly before or after this one.
    pub also: Option<Value>,
}

/// The server closes the socket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    pub socket: String,
    pub code: u16,
}
