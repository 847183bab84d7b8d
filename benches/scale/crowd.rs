//! Many sockets on one node: each of a user, each with its own port of one of many addresses of this machine.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use crate::common::Result;
use crate::common::parallel::in_parallel;
use crate::common::people::People;
use crate::common::process::max_sockets;
use crate::common::socket::Socket;

/// Sockets that are opened at a time while the crowd grows.
const OPENING: usize = 64;
const BATCH: usize = 2000;
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// Few enough for the ports of an address, those of closed sockets included.
const SOCKETS_PER_ADDRESS: usize = 5000;
const ADDRESSES_PER_NETWORK: usize = 250;
/// What a socket takes of the machine's memory: of the node, of the load, and of the kernel at both ends.
const KB_PER_SOCKET: usize = 24;
/// The waits of a web client that lost its connection: the first, the next, which doubles, and the longest. Each is
/// shortened at random, by up to seven tenths.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const SHORTEST_SHARE: f64 = 0.3;
/// Tries that may fail before the run is given up.
const MOST_FAILED: usize = 30;
const POLL: Duration = Duration::from_millis(5);

/// Handles what a socket receives.
type OnText = Rc<dyn Fn(&[u8]) -> Result<()>>;

pub struct Crowd {
    port: u16,
    people: Rc<People>,
    on_text: OnText,
    /// A task for each socket, in the order of the users.
    tasks: Vec<AbortHandle>,
    failure: Rc<RefCell<Option<String>>>,
}

/// How a socket came back.
#[derive(Clone, Copy)]
pub struct Return {
    /// From the loss of the connection.
    pub after: Duration,
    /// The duration of the handshake that succeeded.
    pub handshake: Duration,
    pub failed_tries: usize,
}

impl Crowd {
    /// Nobody yet. `on_text` is called with all that sockets receive.
    pub fn new(port: u16, people: People, on_text: OnText) -> Self {
        Self { port, people: Rc::new(people), on_text, tasks: Vec::new(), failure: Rc::default() }
    }

    /// Opens sockets of the next users, up to this number of sockets. Those of a batch listen from its end on.
    pub async fn grow_to(&mut self, count: usize) -> Result<()> {
        while self.tasks.len() < count {
            let users: Vec<usize> = (self.tasks.len()..count).take(BATCH).collect();
            let (port, people) = (self.port, Rc::clone(&self.people));
            let open = async move |user: &usize| keep_trying(port, &people, *user, Duration::ZERO).await;
            for (socket, ..) in in_parallel(users, OPENING, open).await? {
                let task = self.spawn(self.tasks.len(), async move { Ok(socket) });
                self.tasks.push(task.abort_handle());
            }
        }
        self.check()
    }

    /// Closes the last sockets, down to this number.
    pub fn shrink_to(&mut self, count: usize) {
        self.tasks.drain(count.min(self.tasks.len())..).for_each(|task| task.abort());
    }

    pub fn count(&self) -> usize {
        self.tasks.len()
    }

    /// Fails when a socket was closed.
    pub fn check(&self) -> Result<()> {
        match self.failure.borrow().as_ref() {
            Some(failure) => Err(failure.as_str().into()),
            None => Ok(()),
        }
    }

    /// Closes the first sockets, all at once, and lets them come back as web clients do.
    pub async fn lose_and_return(&mut self, count: usize) -> Result<Vec<Return>> {
        let (returns, lost) = (Rc::new(RefCell::new(Vec::with_capacity(count))), Instant::now());
        self.tasks[..count].iter().for_each(AbortHandle::abort);
        for user in 0..count {
            let (port, people, returns) = (self.port, Rc::clone(&self.people), Rc::clone(&returns));
            let task = self.spawn(user, async move {
                let (socket, handshake, failed_tries) = keep_trying(port, &people, user, FIRST_WAIT).await?;
                returns.borrow_mut().push(Return { after: lost.elapsed(), handshake, failed_tries });
                Ok(socket)
            });
            self.tasks[user] = task.abort_handle();
        }
        while returns.borrow().len() < count {
            sleep(POLL).await;
            self.check()?;
        }
        Ok(returns.take())
    }

    fn spawn(&self, user: usize, socket: impl Future<Output = Result<Socket>> + 'static) -> JoinHandle<()> {
        let (on_text, failure) = (Rc::clone(&self.on_text), Rc::clone(&self.failure));
        spawn_local(async move {
            let error = match socket.await {
                Ok(socket) => socket.listen(|text| on_text(text)).await,
                Err(error) => error.to_string(),
            };
            failure.borrow_mut().get_or_insert(format!("the socket of user {user}: {error}"));
        })
    }
}

async fn open(port: u16, people: &People, user: usize) -> Result<Socket> {
    let (address, path) = (address_of(user), format!("/ws?token={}", people.token(user)));
    let socket = timeout(OPEN_TIMEOUT, Socket::open_from(address, port, &path)).await;
    socket.map_err(|_| "a socket was not opened in time")?
}

/// An address that a few thousand users share.
fn address_of(user: usize) -> Ipv4Addr {
    let index = user / SOCKETS_PER_ADDRESS;
    let [network, host] = [index / ADDRESSES_PER_NETWORK, 1 + index % ADDRESSES_PER_NETWORK];
    Ipv4Addr::new(127, 1, network as u8, host as u8)
}

/// Waits, and tries until it succeeds. Returns the duration of the last try, and how many failed.
async fn keep_trying(port: u16, people: &People, user: usize, first: Duration) -> Result<(Socket, Duration, usize)> {
    let (mut wait, mut failed_tries) = (first, 0);
    loop {
        sleep(wait.mul_f64(SHORTEST_SHARE + (1.0 - SHORTEST_SHARE) * fastrand::f64())).await;
        let began = Instant::now();
        match open(port, people, user).await {
            Ok(socket) => return Ok((socket, began.elapsed(), failed_tries)),
            Err(error) if failed_tries == MOST_FAILED => return Err(error),
            Err(_) => failed_tries += 1,
        }
        wait = LONGEST_WAIT.min(FIRST_WAIT.max(wait * 2));
    }
}

/// The sizes that this machine can hold. A larger one becomes the greatest that it can.
pub fn possible(sizes: &[usize]) -> Result<Vec<usize>> {
    let (files, memory) = (max_sockets()?, available_kb()? / KB_PER_SOCKET);
    let most = files.min(memory) / 100 * 100;
    let mut possible: Vec<usize> = sizes.iter().map(|size| (*size).min(most)).collect();
    possible.dedup();
    for size in sizes.iter().filter(|size| **size > most) {
        let bound = if files < memory { "the limit of open files (ulimit -Hn)" } else { "the free memory" };
        eprintln!("{most} sockets instead of {size}: {bound} allows no more");
    }
    Ok(possible)
}

fn available_kb() -> Result<usize> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).ok_or("no MemAvailable")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
