//! A TCP proxy between a node and Redis that breaks connections the way networks do.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which connections a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Connections on which the node has subscribed.
    PubSub,
    /// All other connections.
    Commands,
    All,
    /// Connections that log in as this user of Redis.
    User(&'static str),
    /// All other connections, those of replicas and sentinels among them.
    OtherThan(&'static str),
    /// Connections from this address.
    From(IpAddr),
}

/// What happens to bytes in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Open,
    /// Read and dropped. The connection is closed when the fault ends, because bytes are missing.
    Swallowed,
    /// Read and held back until the fault ends.
    Held,
    /// Forwarded after this time.
    Delayed(Duration),
}

/// Both directions of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paths {
    pub to_redis: Path,
    pub to_node: Path,
}

const OPEN: Paths = Paths { to_redis: Path::Open, to_node: Path::Open };

impl Paths {
    pub fn both(path: Path) -> Self {
        Self { to_redis: path, to_node: path }
    }

    fn swallows(self) -> bool {
        [self.to_redis, self.to_node].contains(&Path::Swallowed)
    }
}

/// A proxied connection. It ends when this is dropped.
struct Link {
    paths: watch::Sender<Paths>,
    owner: Owner,
    is_tainted: bool,
}

/// What a connection has shown of itself.
#[derive(Default)]
struct Owner {
    is_pubsub: bool,
    /// Set by the first bytes.
    user: Option<String>,
    from: Option<IpAddr>,
}

#[derive(Default)]
struct Links {
    /// Where new connections lead.
    upstream: String,
    of: Vec<(u64, Link)>,
    count: u64,
    /// The fault that applies to new connections.
    standing: Option<(Target, Paths)>,
}

/// The proxy of one node.
pub struct Proxy {
    address: SocketAddr,
    links: Arc<Mutex<Links>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port for connections to the Redis at `url`.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let links = Arc::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&links)));
        let proxy = Self { address, links, accepting };
        proxy.point_to(url);
        proxy
    }

    /// Leads new connections to another Redis. Existing ones stay where they are.
    pub fn point_to(&self, url: &str) {
        self.lock().upstream = url.strip_prefix("redis://").expect("an address").to_owned();
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Closes connections. Returns their number.
    pub fn cut(&self, target: Target) -> usize {
        let links = &mut self.lock().of;
        let before = links.len();
        links.retain(|(_, link)| !target.hits(&link.owner));
        before - links.len()
    }

    /// Disturbs the existing connections only. Returns their number.
    pub fn disturb_present(&self, target: Target, paths: Paths) -> usize {
        self.lock().disturb(target, paths)
    }

    /// Disturbs the existing connections, and new ones until [`Self::restore`].
    pub fn disturb(&self, target: Target, paths: Paths) -> usize {
        let mut links = self.lock();
        links.standing = Some((target, paths));
        links.disturb(target, paths)
    }

    /// Ends every fault.
    pub fn restore(&self) {
        let mut links = self.lock();
        links.standing = None;
        links.of.retain(|(_, link)| !link.is_tainted);
        for (_, link) in &links.of {
            link.paths.send_replace(OPEN);
        }
    }

    /// The number of connections of this kind.
    pub fn count(&self, target: Target) -> usize {
        self.lock().of.iter().filter(|(_, link)| target.hits(&link.owner)).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Links> {
        self.links.lock().expect("no panic while held")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.lock().of.clear();
    }
}

impl Target {
    fn hits(self, owner: &Owner) -> bool {
        match self {
            Self::All => true,
            Self::PubSub => owner.is_pubsub,
            Self::Commands => !owner.is_pubsub,
            Self::User(name) => owner.user.as_deref() == Some(name),
            Self::From(address) => owner.from == Some(address),
            Self::OtherThan(name) => owner.user.as_deref().is_some_and(|user| user != name),
        }
    }
}

impl Links {
    fn disturb(&mut self, target: Target, paths: Paths) -> usize {
        let hit = self.of.iter_mut().filter(|(_, link)| target.hits(&link.owner));
        hit.map(|(_, link)| link.disturb(paths)).count()
    }

    /// Adds a new connection, which counts as one for commands until it subscribes.
    fn add(&mut self, from: IpAddr) -> (u64, watch::Receiver<Paths>) {
        let (paths, followed) = watch::channel(OPEN);
        let owner = Owner { from: Some(from), ..Owner::default() };
        let mut link = Link { paths, owner, is_tainted: false };
        if let Some((target, paths)) = self.standing
            && target.hits(&link.owner)
        {
            link.disturb(paths);
        }
        self.count += 1;
        self.of.push((self.count, link));
        (self.count, followed)
    }

    /// Takes note of what a connection shows of itself.
    fn learn(&mut self, number: u64, is_pubsub: bool, user: Option<String>) {
        let standing = self.standing;
        let Some((_, link)) = self.of.iter_mut().find(|(other, _)| *other == number) else { return };
        link.owner.is_pubsub |= is_pubsub;
        link.owner.user = user.or(link.owner.user.take());
        if let Some((target, paths)) = standing
            && target.hits(&link.owner)
        {
            link.disturb(paths);
        }
    }
}

impl Link {
    fn disturb(&mut self, paths: Paths) {
        self.is_tainted |= paths.swallows();
        self.paths.send_replace(paths);
    }
}

async fn accept(listener: TcpListener, links: Arc<Mutex<Links>>) {
    while let Ok((node, from)) = listener.accept().await {
        let (upstream, (number, paths)) = {
            let mut links = links.lock().expect("no panic while held");
            (links.upstream.clone(), links.add(from.ip()))
        };
        let links = Arc::clone(&links);
        tokio::spawn(async move {
            // Without Redis, the connection is closed immediately, like a refused one.
            if let Ok(redis) = TcpStream::connect(upstream).await {
                let learn = |is_pubsub, user| links.lock().expect("no panic while held").learn(number, is_pubsub, user);
                carry(node, redis, paths, learn).await;
            }
            links.lock().expect("no panic while held").of.retain(|(other, _)| *other != number);
        });
    }
}

/// Carries bytes both ways until either side ends or the link is dropped. Reports who logs in, and that the node subscribes.
async fn carry(node: TcpStream, redis: TcpStream, paths: watch::Receiver<Paths>, learn: impl Fn(bool, Option<String>)) {
    for stream in [&node, &redis] {
        stream.set_nodelay(true).expect("a socket");
    }
    let (from_node, to_node) = node.into_split();
    let (from_redis, to_redis) = redis.into_split();
    let is_first = Cell::new(true);
    let look = move |bytes: &[u8]| {
        let is_pubsub = bytes.windows(SUBSCRIBE.len()).any(|window| window == SUBSCRIBE);
        let user = is_first.replace(false).then(|| user_of(bytes));
        if is_pubsub || user.is_some() {
            learn(is_pubsub, user);
        }
    };
    tokio::select! {
        () = pump(from_node, to_redis, paths.clone(), |paths| paths.to_redis, look) => {}
        () = pump(from_redis, to_node, paths, |paths| paths.to_node, |_| {}) => {}
    }
}

/// As in a RESP array. Nothing else that a node sends contains it.
const SUBSCRIBE: &[u8] = b"SUBSCRIBE\r\n";

/// The user that the first command logs in, as `HELLO 3 AUTH user password`; empty when it logs in nobody.
fn user_of(command: &[u8]) -> String {
    let words = String::from_utf8_lossy(command);
    let user = words.split_once("AUTH\r\n").and_then(|(_, rest)| rest.split("\r\n").nth(1));
    user.unwrap_or_default().to_owned()
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut paths: watch::Receiver<Paths>,
    direction: fn(&Paths) -> Path,
    look: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => length,
            },
            () = ended(paths.clone()) => return,
        };
        look(&buffer[..length]);
        let path = direction(&paths.borrow_and_update());
        match path {
            Path::Open => {}
            Path::Swallowed => continue,
            Path::Held => {
                if paths.wait_for(|paths| direction(paths) != Path::Held).await.is_err() {
                    return;
                }
            }
            Path::Delayed(time) => tokio::time::sleep(time).await,
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Returns when the link is dropped.
async fn ended(mut paths: watch::Receiver<Paths>) {
    while paths.changed().await.is_ok() {}
}
