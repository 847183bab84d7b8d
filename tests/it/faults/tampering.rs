//! A proxy that changes commands to Redis and replies from it, so that the node breaks one rule: tests must notice.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const PIECE: usize = 256 * 1024;
/// A message with this text is one whose first answer is lost.
pub const UNANSWERED: &str = "unanswered";

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// Nothing but that the answer to [`UNANSWERED`] is lost.
    Nothing,
    /// The node hears no sign of a failover: it subscribes to channels that nobody uses.
    IgnoreSigns,
    /// The node acknowledges a retry without waiting for replicas: they seem to have received it.
    WaitForNoReplay,
    /// The node repeats the write whose answer was lost.
    RepeatWrites,
}

/// A proxy between nodes and one Redis.
pub struct TamperingProxy {
    address: SocketAddr,
    /// Ends with the proxy.
    _accepting: JoinSet<()>,
}

impl TamperingProxy {
    /// Listens on a free port for connections to the Redis at `url`.
    pub async fn start(url: &str, tamper: Tamper) -> Self {
        let upstream = url.strip_prefix("redis://").expect("an address").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, upstream, tamper));
        Self { address, _accepting: accepting }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

async fn accept(listener: TcpListener, upstream: String, tamper: Tamper) {
    let mut connections = JoinSet::new();
    while let Ok((node, _)) = listener.accept().await {
        let upstream = upstream.clone();
        connections.spawn(async move {
            // However it ends, the node sees its connection end.
            drop(carry(node, &upstream, tamper).await);
        });
    }
}

/// Carries bytes both ways until either side ends.
async fn carry(mut node: TcpStream, upstream: &str, tamper: Tamper) -> io::Result<()> {
    let mut redis = TcpStream::connect(upstream).await?;
    for stream in [&node, &redis] {
        stream.set_nodelay(true)?;
    }
    let (mut asked, mut answered) = (vec![0; PIECE], vec![0; PIECE]);
    let mut is_replay = false;
    loop {
        tokio::select! {
            length = node.read(&mut asked) => {
                let bytes = &mut asked[..length?];
                is_replay = false;
                if contains(bytes, UNANSWERED) {
                    run_unheard(upstream, bytes).await?;
                    if tamper == Tamper::Nothing {
                        return Ok(());
                    }
                }
                if tamper == Tamper::IgnoreSigns && contains(bytes, "SUBSCRIBE\r\n") {
                    replace(bytes, "\r\n+", "\r\n:");
                }
                if bytes.is_empty() {
                    return Ok(());
                }
                redis.write_all(bytes).await?;
            }
            length = redis.read(&mut answered) => {
                let bytes = &mut answered[..length?];
                is_replay |= contains(bytes, "\r\nreplay\r\n");
                if tamper == Tamper::WaitForNoReplay && is_replay {
                    replace(bytes, "\r\n:0\r\n", "\r\n:1\r\n");
                    // The answer of `WAIT` comes alone.
                    if bytes == b":0\r\n" {
                        bytes.copy_from_slice(b":1\r\n");
                    }
                }
                if bytes.is_empty() {
                    return Ok(());
                }
                node.write_all(bytes).await?;
            }
        }
    }
}

/// Runs commands whose answer nobody hears.
async fn run_unheard(upstream: &str, commands: &[u8]) -> io::Result<()> {
    let mut redis = TcpStream::connect(upstream).await?;
    redis.write_all(commands).await?;
    redis.read(&mut [0; 1024]).await.map(drop)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Replaces a text by another of the same length wherever it occurs.
fn replace(bytes: &mut [u8], text: &str, by: &str) {
    for start in 0..bytes.len().saturating_sub(text.len() - 1) {
        if bytes[start..].starts_with(text.as_bytes()) {
            bytes[start..start + text.len()].copy_from_slice(by.as_bytes());
        }
    }
}
