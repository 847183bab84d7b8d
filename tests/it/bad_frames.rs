//! Bad frames and handshakes: each gets its dialect's refusal or the documented close code, and neither the connection
//! (if it stays open) nor any other connection is affected.

mod bytes;
mod floods;
mod forged;
mod handshakes;
mod texts;
mod tokens;

use serde_json::{Value, json};

use crate::raw_socket::{Incoming, RawSocket, TEXT, frame};
use crate::support::{User, World, shared_redis};

/// The protocol of a connection; `Ext` is `?ext=1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Webchat,
    WebchatExt,
    Envelope,
    Messenger,
    Imtypes,
    ImtypesExt,
}

pub const ALL: [Dialect; 6] = [
    Dialect::Webchat,
    Dialect::WebchatExt,
    Dialect::Envelope,
    Dialect::Messenger,
    Dialect::Imtypes,
    Dialect::ImtypesExt,
];

/// The expected reaction to a row.
enum Expected {
    /// Exactly this frame except for its time. The connection stays open.
    Frame(Value),
    /// No frame. The connection stays open.
    Silence,
    /// A close frame with this code, then the end.
    Closed(u16),
}

/// Bytes to send over a connection of this kind.
struct Row {
    name: String,
    dialect: Dialect,
    bytes: Vec<u8>,
    expected: Expected,
}

/// Ids that rows refer to. 张三 is user 1, 李四 user 2, both are in the group. 王五 is user 3 and has rooms of his own.
#[derive(Default)]
struct Known {
    /// The group of 张三 and 李四.
    group: u64,
    /// A group of 王五 and 李四.
    foreign: u64,
    /// The direct room of 王五 and 李四.
    foreign_direct: u64,
    /// A message of 李四 in the group.
    message: u64,
    /// A message in the foreign group.
    foreign_message: u64,
}

/// A number that no room has.
const NO_ROOM: u64 = 0x7fff_fff0;

fn room_id(number: u64) -> String {
    let number = number.try_into().expect("a room's number");
    chinwag::domain::RoomId::new(number).expect("a room's number").to_string()
}

impl Dialect {
    fn path(self) -> &'static str {
        match self {
            Self::Webchat => "/ws",
            Self::WebchatExt => "/ws?ext=1",
            Self::Envelope => "/api/v1/ws",
            Self::Messenger | Self::Imtypes => "/ws/chat",
            Self::ImtypesExt => "/ws/chat?ext=1",
        }
    }

    pub async fn open(self, base: &str, token: &str) -> RawSocket {
        self.open_over(RawSocket::connect(base).await, token).await
    }

    /// The same over an open TCP connection.
    pub async fn open_over(self, raw: RawSocket, token: &str) -> RawSocket {
        let path = self.path();
        let opened = match self {
            Self::Envelope | Self::Messenger => raw.open(path, &format!("Authorization: Bearer {token}\r\n")).await,
            _ if path.contains('?') => raw.open(&format!("{path}&token={token}"), "").await,
            _ => raw.open(&format!("{path}?token={token}"), "").await,
        };
        opened.unwrap_or_else(|refused| panic!("{self:?}: {refused:?}"))
    }

    /// A valid message.
    pub fn say(self, group: u64, content: &str) -> Value {
        match self {
            Self::Webchat | Self::WebchatExt => {
                json!({"type": "send_message", "payload": {"room_id": group, "content": content, "is_image": false}})
            }
            Self::Envelope => json!({"type": "text", "content": content, "group_id": room_id(group)}),
            Self::Messenger => json!({"type": "chat", "chat_type": "room", "reveiver_id": group, "content": content}),
            Self::Imtypes | Self::ImtypesExt => {
                json!({"type": "text", "content": content, "receiverId": room_id(group)})
            }
        }
    }

    /// The content of a pushed message.
    pub fn content(self, frame: &Value) -> Option<&str> {
        let content = match self {
            Self::Webchat | Self::WebchatExt => &frame["payload"]["content"],
            Self::Envelope | Self::Messenger | Self::Imtypes | Self::ImtypesExt => &frame["content"],
        };
        content.as_str().filter(|_| frame["type"] != "system")
    }
}

/// A node, the connection that misbehaves, and one that does not.
struct Stage<'a> {
    world: &'a World,
    token: String,
    known: Known,
    bad: Option<(Dialect, RawSocket)>,
    innocent: RawSocket,
    said: usize,
}

async fn world() -> World {
    // Rows must be refused for their content, not for their rate.
    World::start_with(1, shared_redis(), |config| config.limits.enabled = false).await
}

async fn make_known(zhang: &User<'_>, li: &User<'_>, wang: &User<'_>, world: &World) -> Known {
    let mut known = Known {
        group: zhang.make_group(0, "项目", &["李四"]).await,
        foreign: wang.make_group(0, "别人的", &["李四"]).await,
        ..Known::default()
    };
    let mut of_li = world.messenger(0, li).await;
    of_li.send(&Dialect::Messenger.say(known.group, "李四说")).await;
    known.message = number(&of_li.next_of("chat").await["message_id"]);
    of_li.send(&Dialect::Messenger.say(known.foreign, "李四说")).await;
    known.foreign_message = number(&of_li.next_of("chat").await["message_id"]);
    let url = world.url(0, "/api/v1/rooms");
    let open = json!({"is_private": true, "username": "李四"});
    let answer = world.client.post(url).bearer_auth(&wang.token).json(&open).send().await.expect("answered");
    known.foreign_direct = number(&answer.json::<Value>().await.expect("JSON")["id"]);
    known
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The next frame that is no presence frame. Presence is announced in batches, at any time.
async fn next_of(raw: &mut RawSocket) -> Incoming {
    loop {
        match raw.next().await {
            Incoming::Text(frame) if frame["type"] == "presence" => {}
            other => return other,
        }
    }
}

impl<'a> Stage<'a> {
    async fn new(world: &'a World) -> Self {
        let (zhang, li) = (world.user(0, "张三").await, world.user(0, "李四").await);
        let wang = world.user(0, "王五").await;
        let known = make_known(&zhang, &li, &wang, world).await;
        let innocent = Dialect::Webchat.open(&world.base(0), &li.token).await;
        Self { world, token: zhang.token, known, bad: None, innocent, said: 0 }
    }

    /// The connection of this kind; opens one if there is none.
    async fn connection(&mut self, dialect: Dialect) -> RawSocket {
        match self.bad.take() {
            Some((open, raw)) if open == dialect => raw,
            _ => dialect.open(&self.world.base(0), &self.token).await,
        }
    }

    /// Sends a row. The error describes an unexpected reaction.
    async fn try_row(&mut self, row: &Row) -> Result<(), String> {
        let mut raw = self.connection(row.dialect).await;
        raw.send(&row.bytes).await;
        match &row.expected {
            Expected::Frame(frame) => match next_of(&mut raw).await {
                Incoming::Text(found) if is_alike(&found, frame) => {}
                other => return Err(format!("{other:?} instead of {frame}")),
            },
            Expected::Silence => {}
            Expected::Closed(code) => {
                match next_of(&mut raw).await {
                    Incoming::Close(Some(found), _) if found == *code => {}
                    other => return Err(format!("{other:?} instead of {code}")),
                }
                // The node waits another second for a client that keeps sending, to avoid a reset.
                raw.shut_down().await;
                match raw.next().await {
                    Incoming::End => {}
                    other => return Err(format!("{other:?} instead of the end")),
                }
                raw = row.dialect.open(&self.world.base(0), &self.token).await;
            }
        }
        self.talk(row.dialect, &mut raw).await?;
        self.bad = Some((row.dialect, raw));
        Ok(())
    }

    /// Sends a valid message, which both connections must receive next.
    async fn talk(&mut self, dialect: Dialect, raw: &mut RawSocket) -> Result<(), String> {
        self.said += 1;
        let content = format!("in order {}", self.said);
        raw.send(&frame(TEXT, dialect.say(self.known.group, &content).to_string().as_bytes())).await;
        match next_of(raw).await {
            Incoming::Text(frame) if dialect.content(&frame) == Some(&content) => {}
            other => return Err(format!("the same connection receives {other:?} afterwards")),
        }
        match self.innocent.next().await {
            Incoming::Text(frame) if Dialect::Webchat.content(&frame) == Some(&content) => Ok(()),
            other => Err(format!("another connection receives {other:?} afterwards")),
        }
    }

    async fn try_table(&mut self, rows: &[Row]) {
        let mut wrong = Vec::new();
        for row in rows {
            if let Err(difference) = self.try_row(row).await {
                wrong.push(format!("{:?}, {}: {difference:.300}", row.dialect, row.name));
                // Frames still in flight would affect the next rows.
                self.bad = None;
                self.innocent = Dialect::Webchat.open(&self.world.base(0), &self.li_token().await).await;
            }
        }
        assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    }

    async fn li_token(&self) -> String {
        self.world.log_in(0, "李四", "your_strong_password").await.token
    }
}

/// Whether a frame is as expected, whatever the time of a refusal.
fn is_alike(found: &Value, expected: &Value) -> bool {
    let mut found = found.clone();
    if let Some(object) = found.as_object_mut()
        && let Some(time) = object.remove("timestamp")
        && !time.as_str().is_some_and(|time| time.starts_with("20") && time.ends_with('Z'))
    {
        return false;
    }
    found == *expected
}
