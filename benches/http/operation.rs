//! The operations that are measured: the requests of document 003 that make up the load of a chat.

use crate::common::Result;
use crate::common::client::{Connection, Response, header};
use crate::requests::{get, json, post, send};
use crate::world::World;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Send,
    SendLimited,
    SendRoom,
    SendFollowed,
    History,
    PollAfter,
    PollEtag,
    Heartbeat,
    Stats,
    OnlineUsers,
    Rooms,
    RoomsBehind,
}

impl Operation {
    /// All rows in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::Send,
        Self::SendLimited,
        Self::SendRoom,
        Self::SendFollowed,
        Self::History,
        Self::PollAfter,
        Self::PollEtag,
        Self::Heartbeat,
        Self::Stats,
        Self::OnlineUsers,
        Self::Rooms,
        Self::RoomsBehind,
    ];

    /// The rows of the table of growth.
    pub const GROWTH: [Self; 8] = [
        Self::Send,
        Self::History,
        Self::PollAfter,
        Self::Heartbeat,
        Self::Stats,
        Self::OnlineUsers,
        Self::Rooms,
        Self::RoomsBehind,
    ];

    /// The name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::SendLimited => "send-limited",
            Self::SendRoom => "send-room",
            Self::SendFollowed => "send-followed",
            Self::History => "history",
            Self::PollAfter => "poll",
            Self::PollEtag => "poll-etag",
            Self::Heartbeat => "heartbeat",
            Self::Stats => "stats",
            Self::OnlineUsers => "online-users",
            Self::Rooms => "rooms",
            Self::RoomsBehind => "rooms-behind",
        }
    }

    /// The operation of this name.
    pub fn named(word: &str) -> Result<Self> {
        let known = Self::ALL.map(Self::word).join(", ");
        let found = Self::ALL.into_iter().find(|operation| operation.word() == word);
        found.ok_or_else(|| format!("no row {word:?}; there are {known}").into())
    }

    /// The title in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Send => "send, 128 bytes, to `global`",
            Self::SendLimited => "… with rate limits on",
            Self::SendRoom => "… to a made room",
            Self::SendFollowed => "… that the node follows",
            Self::History => "history, newest 50",
            Self::PollAfter => "poll `after`, nothing new",
            Self::PollEtag => "poll `If-None-Match`, nothing new",
            Self::Heartbeat => "heartbeat",
            Self::Stats => "stats",
            Self::OnlineUsers => "online users, first 50",
            Self::Rooms => "rooms, first 50",
            Self::RoomsBehind => "rooms, 50 behind `global`",
        }
    }

    /// The title where the row above it is missing.
    pub fn plain_title(self) -> &'static str {
        if self == Self::Send { "send to `global`" } else { self.title() }
    }

    /// The project's target in CPU µs: node + Redis, or both together.
    pub fn aim(self) -> &'static str {
        match self {
            Self::Send | Self::SendLimited | Self::SendRoom | Self::SendFollowed => "25 + 20",
            Self::History => "75",
            Self::PollAfter | Self::PollEtag | Self::Stats => "14",
            Self::Heartbeat => "18",
            Self::OnlineUsers | Self::Rooms | Self::RoomsBehind => "",
        }
    }

    /// Whether Redis runs the append script for it.
    pub fn is_send(self) -> bool {
        matches!(self, Self::Send | Self::SendLimited | Self::SendRoom | Self::SendFollowed)
    }

    /// Whether it goes to the node with rate limits.
    pub fn is_limited(self) -> bool {
        self == Self::SendLimited
    }

    pub fn status(self) -> u16 {
        if self == Self::PollEtag { 304 } else { 200 }
    }

    /// One request for each connection. The first is sent once to check its response.
    pub async fn requests(self, world: &World) -> Result<Vec<Vec<u8>>> {
        let port = if self.is_limited() { world.limited_port } else { world.port };
        let mut connection = Connection::open(port).await?;
        let last = Last::of(&mut connection, &world.tokens[0], &world.quiet_room).await?;
        if self == Self::SendFollowed {
            // A poll makes the node follow the room for a minute.
            let room = &world.followed_room;
            let last = Last::of(&mut connection, &world.tokens[0], room).await?;
            let path = format!("/api/chat/messages?room_id={room}&after={}", last.id);
            connection.exchange(&get(&path, &world.tokens[0], "")).await?.expect(200)?;
        }
        let requests: Vec<Vec<u8>> = world.tokens.iter().map(|token| self.request(world, token, &last)).collect();
        self.check(connection.exchange(&requests[0]).await?)?;
        Ok(requests)
    }

    fn request(self, world: &World, token: &str, last: &Last) -> Vec<u8> {
        let quiet = format!("/api/chat/messages?room_id={}", world.quiet_room);
        match self {
            Self::Send | Self::SendLimited => send("global", token),
            Self::SendRoom => send(&world.room, token),
            Self::SendFollowed => send(&world.followed_room, token),
            Self::History => get("/api/chat/messages", token, ""),
            Self::PollAfter => get(&format!("{quiet}&after={}", last.id), token, ""),
            Self::PollEtag => get(&quiet, token, &format!("If-None-Match: {}\r\n", last.etag)),
            Self::Heartbeat => post("/api/chat/heartbeat", token, "application/json", ""),
            Self::Stats => get("/api/chat/stats", token, ""),
            Self::OnlineUsers => get("/api/chat/online-users?limit=50", token, ""),
            Self::Rooms => get("/api/chat/rooms?limit=50", token, ""),
            Self::RoomsBehind => get("/api/chat/rooms?limit=50&cursor=1", token, ""),
        }
    }

    fn check(self, response: Response<'_>) -> Result<()> {
        let response = response.expect(self.status())?;
        if self == Self::PollEtag {
            return Ok(());
        }
        let body = json(response)?;
        let entries = body.as_array().map(Vec::len);
        let is_expected = match self {
            Self::History | Self::OnlineUsers | Self::Rooms | Self::RoomsBehind => entries == Some(50),
            Self::PollAfter => entries == Some(0),
            _ => body.is_object(),
        };
        match is_expected {
            true => Ok(()),
            false => Err(format!("{self:?} was answered {body}").into()),
        }
    }
}

/// The latest message of a room.
struct Last {
    id: String,
    etag: String,
}

impl Last {
    async fn of(connection: &mut Connection, token: &str, room: &str) -> Result<Self> {
        let path = format!("/api/chat/messages?room_id={room}&limit=1");
        let response = connection.exchange(&get(&path, token, "")).await?;
        let etag = header(std::str::from_utf8(response.head)?, "etag").ok_or("no ETag")?.to_owned();
        let messages = json(response)?;
        let id = messages[0]["id"].as_str().ok_or("no id")?.to_owned();
        Ok(Self { id, etag })
    }
}
