//! What a dialect is to a WebSocket: what its frames mean, and how answers are printed.

use crate::domain::{Error, HistoryPage, HistoryQuery, MessageId, NewMessage, Result, RoomEvent, RoomId, Seq, UserId};
use crate::fanout::{Frame, ResumeReplies, Style};
use crate::service::Receiver;

/// A dialect's side of a WebSocket, as a value.
#[derive(Clone, Copy)]
pub struct SocketCodec {
    /// Its name, as `?dialect=` takes it.
    pub name: &'static str,
    /// Whether clients may ask for more than the document has with `?ext=1`.
    pub has_extension: bool,
    /// What a frame means.
    pub decode: fn(text: &str, viewer: &Viewer) -> Result<Request, Refusal>,
    /// Prints an event, once for all who want it alike.
    pub encode: fn(&RoomEvent, Style<'_>) -> Option<Frame>,
    /// Prints an answer for the client that asked, with the reference of its request; `None` when the dialect has no
    /// such answer.
    pub answer: fn(&Answer<'_>, reference: Option<&str>, &Viewer) -> Option<String>,
    /// Prints a refusal.
    pub refuse: fn(&Refusal, &Viewer) -> String,
    /// What a client is told about its resumption of a room.
    pub resume_replies: fn(RoomId, &Viewer) -> ResumeReplies,
    /// The rooms that a client resumes with its handshake, by its query.
    pub resumes: fn(query: &[(String, String)]) -> Vec<Resume>,
}

/// Where a WebSocket is, and which handshakes of that path are the dialect's.
#[derive(Clone)]
pub struct SocketRoute {
    /// The path.
    pub path: String,
    /// Whether a handshake without `?dialect=` is meant for this dialect.
    pub claims: fn(&Credentials) -> bool,
    /// The dialect.
    pub codec: SocketCodec,
}

/// Where a handshake's token is.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// In an `Authorization` header.
    pub header: Option<String>,
    /// In the query.
    pub query: Option<String>,
}

/// Who looks on, for what is printed for one connection only.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The user.
    pub user: UserId,
    /// Whether they asked for more than the document has.
    pub is_extended: bool,
    /// Put before paths of ours.
    pub base_url: String,
}

/// A frame that was understood.
#[derive(Debug)]
pub struct Request {
    /// What the client wants.
    pub command: Command,
    /// The client's own id of the request, which its answers repeat.
    pub reference: Option<String>,
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self { command, reference: None }
    }
}

impl Request {
    /// What a refusal of this request says besides the error.
    pub(super) fn subject(&self) -> Subject {
        let room = match &self.command {
            Command::Send { to: Receiver::Room(room), .. }
            | Command::Delete(room, _)
            | Command::MarkRead(room, _)
            | Command::Type(room)
            | Command::Join(room)
            | Command::Leave(room) => Some(*room),
            Command::History(query) => Some(query.room),
            Command::Send { to: Receiver::User(_), .. } | Command::Resume(_) | Command::Ping | Command::Nothing => None,
        };
        let client_id = match &self.command {
            Command::Send { message, .. } => message.client_id.as_ref().and_then(|id| id.own()).map(str::to_owned),
            Command::History(_)
            | Command::Delete(..)
            | Command::MarkRead(..)
            | Command::Type(_)
            | Command::Join(_)
            | Command::Leave(_)
            | Command::Resume(_)
            | Command::Ping
            | Command::Nothing => None,
        };
        Subject { client_id, room, reference: self.reference.clone() }
    }
}

/// What a client wants.
#[derive(Debug)]
pub enum Command {
    /// To send a message.
    Send {
        /// Whom it is for.
        to: Receiver,
        /// The message.
        message: NewMessage,
        /// The message of the room that it answers, when its time is not known.
        reply_to: Option<Seq>,
        /// The room in which the client believes that it speaks.
        expected_room: Option<RoomId>,
    },
    /// To see a part of a room's history.
    History(HistoryQuery),
    /// To delete a message.
    Delete(RoomId, Seq),
    /// To mark what it received of a room as read, up to a message.
    MarkRead(RoomId, Seq),
    /// To tell a room that its user is typing.
    Type(RoomId),
    /// To join a public room.
    Join(RoomId),
    /// To leave a room.
    Leave(RoomId),
    /// To get what it missed.
    Resume(Vec<Resume>),
    /// To know that the connection is alive.
    Ping,
    /// Nothing: the frame is none of the server's business.
    Nothing,
}

/// A room that a client resumes, behind the last message that it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The message, by its resume token.
    pub after: MessageId,
}

/// What is answered.
#[derive(Debug)]
pub enum Answer<'a> {
    /// A part of a room's history.
    History(&'a HistoryPage, HistoryQuery),
    /// The connection is alive.
    Alive,
    /// The request with this reference is done.
    Done,
}

/// What a refused frame was about, as far as that is known.
#[derive(Debug, Default)]
pub struct Subject {
    /// The client's own id of the message.
    pub client_id: Option<String>,
    /// The room.
    pub room: Option<RoomId>,
    /// The client's own id of the request.
    pub reference: Option<String>,
}

/// Why a frame is refused, and what it was about.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub error: Error,
    /// What the frame was about.
    pub subject: Subject,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, subject: Subject::default() }
    }
}

/// Reads a frame as a JSON object.
///
/// # Errors
/// `Malformed`.
pub fn read_frame<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    crate::edge::http::body::read_object(text.as_bytes())
}
