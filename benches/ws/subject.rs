//! The servers to compare, and what a client of each sends.

use std::path::Path;

use crate::common::frame::{TEXT, from_client};

/// Where Debian installs it.
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

/// Where a socket connects and which room it enters.
pub struct Target {
    pub port: u16,
    /// The user's token; empty for servers without users.
    pub token: String,
    pub room: u64,
}

/// A step of entering a room.
pub struct Step {
    /// Nothing is sent when this is empty.
    pub send: String,
    /// A part of the expected answer.
    pub expect: &'static str,
}

/// A ping in a text frame. WebSocket pings are answered as well.
pub struct Ping {
    pub ask: &'static [u8],
    pub answer: &'static [u8],
}

impl Subject {
    pub const ALL: [Self; 5] = [Self::Raw, Self::Chinwag, Self::SocketIo, Self::Centrifugo, Self::Nchan];

    /// Its name on the command line.
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

    /// Ready frames come from a single process: the lower limit has no link between nodes.
    pub fn nodes(self) -> usize {
        if self == Self::Raw { 1 } else { 2 }
    }

    pub fn has_redis(self) -> bool {
        self != Self::Raw
    }

    /// Path and query of the upgrade.
    pub fn path(self, target: &Target) -> String {
        match self {
            Self::Raw => format!("/?room={}", target.room),
            Self::Chinwag => format!("/ws?token={}", target.token),
            Self::SocketIo => format!("/socket.io/?EIO=4&transport=websocket&room={}", target.room),
            Self::Centrifugo => "/connection/websocket".to_owned(),
            Self::Nchan => format!("/c/{}", target.room),
        }
    }

    /// The steps after the upgrade until the socket has entered its room. Chinwag's sockets enter by membership.
    pub fn greeting(self, target: &Target) -> Vec<Step> {
        let step = |send: &str, expect| Step { send: send.to_owned(), expect };
        match self {
            Self::Raw | Self::Chinwag | Self::Nchan => Vec::new(),
            // Engine.IO opens ("0"), then Socket.IO connects to its main namespace ("40").
            Self::SocketIo => vec![step("", "0{"), step("40", "40{")],
            Self::Centrifugo => {
                let subscribe = format!(r#"{{"id":2,"subscribe":{{"channel":"room{}"}}}}"#, target.room);
                vec![step(r#"{"id":1,"connect":{}}"#, r#""connect":"#), step(&subscribe, r#""subscribe":"#)]
            }
        }
    }

    /// A frame that sends `content` to a room.
    pub fn message(self, room: u64, content: &str) -> Vec<u8> {
        let text = match self {
            Self::Raw => content.to_owned(),
            Self::Chinwag => format!(
                r#"{{"type":"send_message","payload":{{"room_id":{room},"content":"{content}","is_image":false}}}}"#
            ),
            Self::SocketIo => format!(r#"42["send","{content}"]"#),
            Self::Centrifugo => {
                format!(r#"{{"id":3,"publish":{{"channel":"room{room}","data":{}}}}}"#, opaque(room, content))
            }
            Self::Nchan => opaque(room, content),
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

    /// Whether a frame may carry several messages, one per line.
    pub fn joins_messages(self) -> bool {
        self == Self::Centrifugo
    }
}

/// A message to a server that does not read it: it carries what a chat client shows, written by the sender.
fn opaque(room: u64, content: &str) -> String {
    format!(r#"{{"room_id":{room},"user_id":1,"username":"loader0","content":"{content}","is_image":false}}"#)
}
