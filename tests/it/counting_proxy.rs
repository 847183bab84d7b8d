//! A TCP proxy between a node and Redis that counts round trips.
//!
//! A round trip begins with bytes to Redis after bytes from Redis on the same connection. A pipeline is one round trip,
//! in however many pieces Redis reads it: a client library writes it in one call, and up to [`PIECE`] the proxy reads
//! it in one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const PIECE: usize = 256 * 1024;

/// Round trips by the port that Redis sees as the client's.
type RoundTrips = BTreeMap<u16, u64>;

pub struct CountingProxy {
    address: SocketAddr,
    round_trips: Arc<Mutex<RoundTrips>>,
    /// Ends with the proxy.
    _accepting: JoinSet<()>,
}

impl CountingProxy {
    /// Listens on a free port for connections to the Redis at `url`.
    pub async fn start(url: &str) -> Self {
        let upstream = url.strip_prefix("redis://").expect("an address").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let round_trips = Arc::default();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, upstream, Arc::clone(&round_trips)));
        Self { address, round_trips, _accepting: accepting }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The round trips so far of every connection that there was.
    pub fn round_trips(&self) -> RoundTrips {
        self.round_trips.lock().expect("no panic while held").clone()
    }
}

async fn accept(listener: TcpListener, upstream: String, round_trips: Arc<Mutex<RoundTrips>>) {
    let mut connections = JoinSet::new();
    while let Ok((node, _)) = listener.accept().await {
        let redis = TcpStream::connect(&upstream).await.expect("Redis listens");
        connections.spawn(carry(node, redis, Arc::clone(&round_trips)));
    }
}

/// Carries bytes both ways until either side ends.
async fn carry(mut node: TcpStream, mut redis: TcpStream, round_trips: Arc<Mutex<RoundTrips>>) {
    for stream in [&node, &redis] {
        stream.set_nodelay(true).expect("a socket");
    }
    let port = redis.local_addr().expect("an address").port();
    round_trips.lock().expect("no panic while held").insert(port, 0);
    let (mut from_node, mut to_node) = node.split();
    let (mut from_redis, mut to_redis) = redis.split();
    let is_answered = AtomicBool::new(true);
    let asking = async {
        let mut buffer = vec![0; PIECE];
        while let Ok(length @ 1..) = from_node.read(&mut buffer).await {
            if is_answered.swap(false, Ordering::Relaxed) {
                *round_trips.lock().expect("no panic while held").entry(port).or_default() += 1;
            }
            if to_redis.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    let answering = async {
        let mut buffer = vec![0; PIECE];
        while let Ok(length @ 1..) = from_redis.read(&mut buffer).await {
            is_answered.store(true, Ordering::Relaxed);
            if to_node.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = asking => {}
        () = answering => {}
    }
}
