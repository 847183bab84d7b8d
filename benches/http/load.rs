//! A closed loop of keep-alive connections, each with one request under way: a minimal HTTP/1.1 client, because what it
//! costs is taken from the load.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Result;

const BUFFER_BYTES: usize = 64 * 1024;
/// The loop runs this long before it is measured: connections open, caches warm, rooms followed.
const WARM_UP: Duration = Duration::from_millis(400);

/// One connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, in the connection's buffer.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl Connection {
    /// Connects to a port of this machine.
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a request and reads the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.write(request).await?;
        let mut filled = self.read(0).await?;
        let head = loop {
            match Head::read(&self.buffer[..filled])? {
                Some(head) => break head,
                None => filled += self.read(filled).await?,
            }
        };
        let end = head.bytes + head.body_bytes;
        if end > self.buffer.len() {
            self.buffer.resize(end + BUFFER_BYTES, 0);
        }
        while filled < end {
            filled += self.read(filled).await?;
        }
        if filled > end {
            return Err("an answer is longer than it says".into());
        }
        let (head_text, body) = self.buffer[..end].split_at(head.bytes);
        Ok(Answer { status: head.status, head: head_text, body })
    }

    async fn write(&self, mut rest: &[u8]) -> Result<()> {
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn read(&mut self, filled: usize) -> Result<usize> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.buffer[filled..]) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What must be known of an answer's head.
struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
}

impl Head {
    /// The head at the start of `buffer`, or `None` while it is not whole.
    fn read(buffer: &[u8]) -> Result<Option<Self>> {
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&buffer[..end])?;
        let status: u16 = text.get(9..12).ok_or("no status")?.parse()?;
        let length = header(text, "content-length");
        let body_bytes = match (length, status) {
            (_, 204 | 304) => 0,
            (Some(length), _) => length.parse()?,
            (None, _) => return Err("an answer of unknown length".into()),
        };
        Ok(Some(Self { status, bytes: end + 4, body_bytes }))
    }
}

/// The value of a header in the text of a head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What the connections do: each repeats its own request.
pub struct Load {
    pub port: u16,
    /// One for each connection.
    pub requests: Vec<Vec<u8>>,
    /// Any other status ends the run.
    pub status: u16,
    pub duration: Duration,
}

/// What came of it.
pub struct Outcome {
    /// Requests answered within the window.
    pub count: usize,
    pub elapsed: Duration,
    /// Of each, microseconds, sorted.
    pub latencies_us: Vec<u32>,
}

#[derive(Default)]
struct Window {
    is_open: Cell<bool>,
    is_over: Cell<bool>,
    latencies_us: RefCell<Vec<u32>>,
}

/// Runs the loop; `at_edge` is called as the measured window opens and as it closes.
pub async fn drive(load: Load, mut at_edge: impl FnMut() -> Result<()>) -> Result<Outcome> {
    let window = Rc::new(Window::default());
    let workers: Vec<_> = load
        .requests
        .into_iter()
        .map(|request| tokio::task::spawn_local(repeat(load.port, request, load.status, Rc::clone(&window))))
        .collect();
    tokio::time::sleep(WARM_UP).await;
    at_edge()?;
    let started = Instant::now();
    window.is_open.set(true);
    tokio::time::sleep(load.duration).await;
    window.is_open.set(false);
    let elapsed = started.elapsed();
    at_edge()?;
    window.is_over.set(true);
    for worker in workers {
        worker.await??;
    }
    let mut latencies_us = window.latencies_us.take();
    latencies_us.sort_unstable();
    if latencies_us.is_empty() {
        return Err("nothing was answered".into());
    }
    Ok(Outcome { count: latencies_us.len(), elapsed, latencies_us })
}

async fn repeat(
    port: u16,
    request: Vec<u8>,
    status: u16,
    window: Rc<Window>,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut connection = Connection::open(port).await?;
    while !window.is_over.get() {
        let started = Instant::now();
        let answer = connection.exchange(&request).await?;
        if answer.status != status {
            let body = String::from_utf8_lossy(answer.body);
            return Err(format!("answered {} where {status} was due: {body}", answer.status).into());
        }
        if window.is_open.get() {
            let us = u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX);
            window.latencies_us.borrow_mut().push(us);
        }
    }
    Ok(())
}
