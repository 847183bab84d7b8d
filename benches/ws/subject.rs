//! What is compared, and what a client of each says.

use std::path::Path;

use crate::frame::{TEXT, from_client};

/// Where Debian puts it.
pub const NCHAN_MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// A server, or the limit of what one can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Writes ready frames: [`crate::raw`].
    Raw,
    Chinwag,
    /// With its Redis adapter and a stream for each room.
    SocketIo,
    /// With its Redis engine and a history for each room.
    Centrifugo,
    /// A module of nginx, with Redis as its storage: `nchan.conf`.
    Nchan,
}

/// Where a socket belongs.
pub struct Seat {
    pub port: u16,
    /// Of the user whose socket it is, where there are users.
    pub token: String,
    pub room: u64,
}

/// Part of entering a room.
pub struct Step {
    /// Nothing is said when it is empty.
    pub say: String,
    /// Words of the answer.
    pub hear: &'static str,
}

/// A ping that is a message of its own; WebSocket's own pings are answered besides.
pub struct Ping {
    pub ask: &'static [u8],
    pub answer: &'static [u8],
}

impl Subject {
    pub const ALL: [Self; 5] = [Self::Raw, Self::Chinwag, Self::SocketIo, Self::Centrifugo, Self::Nchan];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Chinwag => "chinwag",
            Self::SocketIo => "socket.io",
            Self::Centrifugo => "centrifugo",
            Self::Nchan => "nchan",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.word() == word)
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Raw => "ready frames",
            Self::Chinwag => "Chinwag",
            Self::SocketIo => "socket.io",
            Self::Centrifugo => "Centrifugo",
            Self::Nchan => "nchan",
        }
    }

    /// Whether it can be measured, given the folder of `scripts/bench-peers`.
    pub fn is_installed(self, peers: &Path) -> bool {
        match self {
            Self::Raw | Self::Chinwag => true,
            Self::SocketIo => peers.join("node_modules/socket.io").exists(),
            Self::Centrifugo => peers.join("bin/centrifugo").exists(),
            Self::Nchan => Path::new(NCHAN_MODULE).exists(),
        }
    }

    /// Ready frames need neither a second process nor a link: one process is the limit.
    pub fn nodes(self) -> usize {
        if self == Self::Raw { 1 } else { 2 }
    }

    pub fn has_redis(self) -> bool {
        self != Self::Raw
    }

    /// Path and query of the upgrade.
    pub fn path(self, seat: &Seat) -> String {
        match self {
            Self::Raw => format!("/?room={}", seat.room),
            Self::Chinwag => format!("/ws?token={}", seat.token),
            Self::SocketIo => format!("/socket.io/?EIO=4&transport=websocket&room={}", seat.room),
            Self::Centrifugo => "/connection/websocket".to_owned(),
            Self::Nchan => format!("/c/{}", seat.room),
        }
    }

    /// What is said behind the upgrade until the socket is in its room. Chinwag's are in their rooms by membership.
    pub fn greeting(self, seat: &Seat) -> Vec<Step> {
        let step = |say: &str, hear| Step { say: say.to_owned(), hear };
        match self {
            Self::Raw | Self::Chinwag | Self::Nchan => Vec::new(),
            // Engine.IO opens ("0"), then Socket.IO connects to its main namespace ("40").
            Self::SocketIo => vec![step("", "0{"), step("40", "40{")],
            Self::Centrifugo => {
                let subscribe = format!(r#"{{"id":2,"subscribe":{{"channel":"room{}"}}}}"#, seat.room);
                vec![step(r#"{"id":1,"connect":{}}"#, r#""connect":"#), step(&subscribe, r#""subscribe":"#)]
            }
        }
    }

    /// A frame that says `content` in a room.
    pub fn message(self, room: u64, content: &str) -> Vec<u8> {
        let text = match self {
            Self::Raw => content.to_owned(),
            Self::Chinwag => format!(
                r#"{{"type":"send_message","payload":{{"room_id":{room},"content":"{content}","is_image":false}}}}"#
            ),
            Self::SocketIo => format!(r#"42["send","{content}"]"#),
            Self::Centrifugo => {
                format!(r#"{{"id":3,"publish":{{"channel":"room{room}","data":{}}}}}"#, unread(room, content))
            }
            Self::Nchan => unread(room, content),
        };
        from_client(TEXT, text.as_bytes())
    }

    pub fn ping(self) -> Option<Ping> {
        match self {
            Self::Raw | Self::Chinwag | Self::Nchan => None,
            Self::SocketIo => Some(Ping { ask: b"2", answer: b"3" }),
            Self::Centrifugo => Some(Ping { ask: b"{}", answer: b"{}" }),
        }
    }

    /// Whether one frame may carry several messages, a line each.
    pub fn joins_messages(self) -> bool {
        self == Self::Centrifugo
    }
}

/// A message to a server that does not look at it: what a chat's client would show is the sender's own word.
fn unread(room: u64, content: &str) -> String {
    format!(r#"{{"room_id":{room},"user_id":1,"username":"loader0","content":"{content}","is_image":false}}"#)
}
