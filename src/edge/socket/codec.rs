//! A dialect's codec for WebSockets: decodes the frames of clients, and encodes events and responses.

use std::rc::Rc;

use crate::domain::{
    Content, Emoji, EntryId, Error, HistoryPage, HistoryQuery, MessageId, NewMessage, OwnEvent, Result, RoomEvent,
    RoomId, Seq, UserId,
};
use crate::fanout::{Frame, ResumeReplies, Style};
use crate::service::Receiver;

/// A dialect's codec, as a value.
#[derive(Clone, Copy)]
pub struct SocketCodec {
    /// Name of the dialect, also in `?dialect=`.
    pub name: &'static str,
    /// Whether clients may enable extensions of the document with `?ext=1`.
    pub has_extension: bool,
    /// Decodes a client's frame.
    pub decode: fn(text: &str, viewer: &Viewer) -> Result<Request, Refusal>,
    /// Encodes an event, once for all connections that receive equal frames; `None` when the dialect does not show it.
    pub encode: fn(&RoomEvent, Style<'_>) -> Option<Frame>,
    /// Encodes an event of the client's own user; `None` when the dialect does not show it.
    pub encode_own: fn(&OwnEvent, Style<'_>) -> Option<String>,
    /// Encodes the response to a request with this reference; `None` when the dialect has no such response.
    pub answer: fn(&Answer<'_>, reference: Option<&str>, &Viewer) -> Option<String>,
    /// Encodes a refusal.
    pub refuse: fn(&Refusal, &Viewer) -> String,
    /// Encodes the replies to a client that resumes a room.
    pub resume_replies: fn(RoomId, &Viewer) -> ResumeReplies,
    /// Decodes the rooms that a client resumes from the query of its handshake.
    pub resumes: fn(query: &[(String, String)]) -> Vec<Resume>,
}

/// A path with a WebSocket, and the handshakes on it that belong to a dialect.
#[derive(Clone)]
pub struct SocketRoute {
    /// Full path.
    pub path: String,
    /// Whether the dialect accepts a handshake without `?dialect=`.
    pub claims: fn(&Credentials) -> bool,
    /// Codec of the dialect.
    pub codec: SocketCodec,
}

/// The token of a handshake, by the place where it was found.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// From the `Authorization` header.
    pub header: Option<String>,
    /// From the query.
    pub query: Option<String>,
}

/// The client for which frames are encoded.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Its user.
    pub user: UserId,
    /// Whether it enabled the extensions of its dialect.
    pub is_extended: bool,
    /// Prefix of the server's own paths.
    pub base_url: Rc<str>,
}

/// A decoded frame.
#[derive(Debug)]
pub struct Request {
    /// The command.
    pub command: Command,
    /// The client's own id of the request. Answers repeat it.
    pub reference: Option<String>,
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self { command, reference: None }
    }
}

impl Request {
    /// Returns what a refusal of this request is about.
    pub(super) fn subject(&self) -> Subject {
        let room = match &self.command {
            Command::Send { to: Receiver::Room(room), .. }
            | Command::Delete(room, _)
            | Command::Edit(room, ..)
            | Command::React { room, .. }
            | Command::Pin { room, .. }
            | Command::MarkRead(room, _)
            | Command::MarkUnread(room, _)
            | Command::Type(room)
            | Command::Join(room)
            | Command::Leave(room) => Some(*room),
            Command::History(query) => Some(query.room),
            Command::Send { to: Receiver::User(_), .. }
            | Command::Resume(_)
            | Command::Focus(_)
            | Command::Ping
            | Command::Nothing => None,
        };
        let client_id = match &self.command {
            Command::Send { message, .. } => message.client_id.as_ref().and_then(|id| id.own()).map(str::to_owned),
            Command::History(_)
            | Command::Delete(..)
            | Command::Edit(..)
            | Command::React { .. }
            | Command::Pin { .. }
            | Command::MarkRead(..)
            | Command::MarkUnread(..)
            | Command::Type(_)
            | Command::Join(_)
            | Command::Leave(_)
            | Command::Resume(_)
            | Command::Focus(_)
            | Command::Ping
            | Command::Nothing => None,
        };
        Subject { client_id, room, reference: self.reference.clone() }
    }
}

/// A command of a client.
#[derive(Debug)]
pub enum Command {
    /// Sends a message.
    Send {
        /// The receiver.
        to: Receiver,
        /// The message.
        message: Box<NewMessage>,
        /// The message of the room that this one replies to, when the client sent only its number.
        reply_to: Option<Seq>,
        /// The message of which this one is a copy.
        forwarded_from: Option<(RoomId, Seq)>,
        /// The room that the client expects the message to be stored in.
        expected_room: Option<RoomId>,
    },
    /// Requests a page of a room's history.
    History(HistoryQuery),
    /// Deletes a message.
    Delete(RoomId, Seq),
    /// Replaces the text of a message.
    Edit(RoomId, Seq, Content),
    /// Adds or removes a reaction to a message.
    React {
        /// The room.
        room: RoomId,
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: Emoji,
        /// Whether the reaction is added.
        is_on: bool,
    },
    /// Pins a message to its room, or takes it away.
    Pin {
        /// The room.
        room: RoomId,
        /// The message.
        seq: Seq,
        /// Whether it is pinned.
        is_on: bool,
    },
    /// Marks a room's messages up to this one as read.
    MarkRead(RoomId, Seq),
    /// Marks a room's messages from this one on as unread.
    MarkUnread(RoomId, Seq),
    /// Announces in a room that the user is typing.
    Type(RoomId),
    /// Joins a public room.
    Join(RoomId),
    /// Leaves a room.
    Leave(RoomId),
    /// Resumes rooms: requests the events that the client missed.
    Resume(Vec<Resume>),
    /// The window of the client has gained the focus, or lost it.
    Focus(bool),
    /// Checks that the connection is alive.
    Ping,
    /// Does nothing. The server ignores the frame.
    Nothing,
}

impl Command {
    /// Creates a `Send` command for a message that is neither a reply nor forwarded.
    pub fn send(to: Receiver, message: NewMessage) -> Self {
        Self::Send { to, message: Box::new(message), reply_to: None, forwarded_from: None, expected_room: None }
    }
}

/// A room that a client resumes, after the last message that it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The last message that the client received; its resume token.
    pub after: MessageId,
}

impl Resume {
    /// Decodes `since=<room>:<seq>-<ms>` in the query of a handshake, which may be repeated. Ignores malformed values.
    pub fn since(query: &[(String, String)], room: impl Fn(&str) -> Option<RoomId>) -> Vec<Self> {
        let resume = |(key, value): &(String, String)| {
            let (number, token) = value.split_once(':').filter(|_| key == "since")?;
            Some(Self { after: MessageId { room: room(number)?, entry: EntryId::parse(token)? } })
        };
        query.iter().filter_map(resume).collect()
    }
}

/// An answer to a request.
#[derive(Debug)]
pub enum Answer<'a> {
    /// A page of a room's history, and its query.
    History(&'a HistoryPage, HistoryQuery),
    /// The connection is alive.
    Alive,
    /// The request with this reference is done.
    Done,
}

/// The subject of a refused frame, as far as it is known.
#[derive(Debug, Default)]
pub struct Subject {
    /// The client's own id of the message.
    pub client_id: Option<String>,
    /// The room.
    pub room: Option<RoomId>,
    /// The client's own id of the request.
    pub reference: Option<String>,
}

/// The refusal of a frame.
#[derive(Debug)]
pub struct Refusal {
    /// The reason.
    pub error: Error,
    /// The subject of the frame.
    pub subject: Subject,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, subject: Subject::default() }
    }
}

/// Parses a frame as a JSON object.
///
/// # Errors
/// `Malformed` when it is not one, or when fields are missing or of another type.
pub fn read_frame<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    crate::edge::http::body::read_object(text.as_bytes())
}
