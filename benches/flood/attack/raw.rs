//! Connections that keep to no protocol: too slow, too fast, unread, or just open.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Flood;
use super::client::{address, connect};
use super::lane::short;
use crate::common::Result;

const PAUSE: Duration = Duration::from_millis(100);
/// Between two bytes of a slow one.
const DRIP: Duration = Duration::from_secs(1);
const GARBAGE_EVERY: Duration = Duration::from_millis(20);
/// The address from which most idle connections come.
const HOARD: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 1);
/// Requests in one write of those who do not wait for answers.
const PIPELINED: usize = 3000;

const SHORT: &str = "GET /x HTTP/1.1\r\nHost:a\r\n\r\n";
const SHORT_BAD: &str = "GET /x HTTP/1.1\r\n\r\n";

/// What a connection does with its server.
#[derive(Clone, Copy)]
enum Manner {
    /// Opens and says nothing.
    Idle,
    /// Drips the head of a request.
    SlowHead,
    /// Drips the body of an upload.
    SlowBody,
    /// Sends what is no request.
    Garbage,
    /// Asks for long lists and reads nothing.
    Unread,
    /// Sends thousands of requests at once.
    Pipelined,
    /// Goes on after a bad request.
    Deaf,
}

/// The connections of each account.
const MANNERS: [(&str, usize, Manner); 7] = [
    ("idle connections", 500, Manner::Idle),
    ("heads of a byte a second", 100, Manner::SlowHead),
    ("bodies of a byte a second", 50, Manner::SlowBody),
    ("heads of garbage", 2, Manner::Garbage),
    ("lists that nobody reads", 40, Manner::Unread),
    ("requests without waiting", 20, Manner::Pipelined),
    ("more after a bad request", 10, Manner::Deaf),
];

/// Starts all connections of an account.
pub fn start(flood: &Rc<Flood>, account: usize, tasks: &mut JoinSet<()>) {
    for (name, connections, manner) in MANNERS.into_iter().filter(|(name, ..)| flood.has(name)) {
        for number in 0..connections {
            tasks.spawn_local(repeat(Rc::clone(flood), name, manner, account, number));
        }
    }
}

async fn repeat(flood: Rc<Flood>, name: &'static str, manner: Manner, account: usize, number: usize) {
    let from = if matches!(manner, Manner::Idle) { HOARD } else { address(account, number) };
    loop {
        let outcome = match connect(from, flood.world.port, !matches!(manner, Manner::Unread)).await {
            Ok(stream) => manner.behave(&flood, name, account, stream).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            flood.note(name, short(&error.to_string()));
        }
        sleep(PAUSE).await;
    }
}

impl Manner {
    async fn behave(self, flood: &Flood, name: &str, account: usize, mut stream: TcpStream) -> Result<()> {
        let token = &flood.world.flooders[account].token;
        let head = format!("HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n");
        match self {
            Self::Idle => Err(ended(&mut stream).await.into()),
            Self::SlowHead => drip(stream, "GET /api/chat/rooms HTTP/1.1\r\nX-Filling: ").await,
            Self::SlowBody => {
                let form = "Content-Type: multipart/form-data; boundary=flood\r\nContent-Length: 9000000";
                let begun = "--flood\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
                drip(stream, &format!("POST /api/v1/upload/file {head}{form}\r\n\r\n{begun}")).await
            }
            Self::Garbage => {
                sleep(GARBAGE_EVERY).await;
                stream.write_all(&[b'\xfe'; 8000]).await?;
                Err(ended(&mut stream).await.into())
            }
            Self::Unread => {
                for path in ["/api/v1/conversations", "/api/chat/rooms"] {
                    stream.write_all(format!("GET {path} {head}\r\n").as_bytes()).await?;
                    flood.note(name, "asked");
                }
                stream.writable().await?;
                // The rest of the flood: the server waits for the client to read.
                std::future::pending().await
            }
            Self::Pipelined | Self::Deaf => {
                let first = format!("GET /api/chat/stats {head}\r\n");
                // Without a host it is a bad request.
                let more = if matches!(self, Self::Deaf) { SHORT_BAD } else { SHORT };
                let requests = [&first, more.repeat(PIPELINED).as_str()].concat();
                let (mut reader, mut writer) = stream.split();
                let writing = async {
                    loop {
                        writer.write_all(requests.as_bytes()).await?;
                        flood.note_many(name, "sent", PIPELINED as u64 + 1);
                    }
                };
                tokio::select! {
                    outcome = writing => outcome,
                    outcome = discard(&mut reader) => outcome,
                }
            }
        }
    }
}

/// Writes a byte a second until the server ends the connection.
async fn drip(mut stream: TcpStream, beginning: &str) -> Result<()> {
    stream.write_all(beginning.as_bytes()).await?;
    let (mut reader, mut writer) = stream.split();
    let dripping = async {
        loop {
            sleep(DRIP).await;
            writer.write_all(b"a").await?;
        }
    };
    tokio::select! {
        outcome = dripping => outcome,
        outcome = answer(&mut reader) => Err(outcome.into()),
    }
}

/// How the server ends a connection.
async fn ended(stream: &mut TcpStream) -> String {
    answer(stream).await
}

/// The status of what the server says.
async fn answer(reader: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = [0; 12];
    match reader.read_exact(&mut head).await {
        Ok(_) => String::from_utf8_lossy(&head[9..]).into_owned(),
        Err(_) => "closed".to_owned(),
    }
}

async fn discard(reader: &mut (impl AsyncReadExt + Unpin)) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while reader.read(&mut buffer).await? > 0 {}
    Err("closed".into())
}
