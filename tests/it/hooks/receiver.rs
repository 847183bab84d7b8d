//! A server that takes the requests of outgoing webhooks.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Of so many requests one is answered with 500, and one is taken without an answer, if the receiver is flaky.
const FLAKY: usize = 25;

/// A request that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The id of the delivery.
    pub id: String,
    pub signature: String,
    pub body: String,
}

impl Taken {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

struct State {
    taken: Mutex<Vec<Taken>>,
    requests: AtomicUsize,
    is_flaky: AtomicBool,
    is_broken: AtomicBool,
    /// Seconds for which a broken one asks to be left alone; 0 for none.
    retry_after: AtomicU64,
    is_holding: AtomicBool,
    /// Requests that are answered while the others are held.
    answers: Semaphore,
}

pub struct Receiver {
    pub url: String,
    state: Arc<State>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            taken: Mutex::default(),
            requests: AtomicUsize::new(0),
            is_flaky: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            retry_after: AtomicU64::new(0),
            is_holding: AtomicBool::new(false),
            answers: Semaphore::new(0),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { url, state }
    }

    /// From now on some requests fail, some of them only seemingly.
    pub fn be_flaky(&self) {
        self.state.is_flaky.store(true, Ordering::Relaxed);
    }

    /// Answers all requests with 500, or none.
    pub fn set_broken(&self, is_broken: bool) {
        self.state.is_broken.store(is_broken, Ordering::Relaxed);
    }

    /// Asks for so many seconds of peace with each request that is not taken.
    pub fn ask_for_peace(&self, secs: u64) {
        self.state.retry_after.store(secs, Ordering::Relaxed);
    }

    /// From now on requests have no answer before [`Self::answer`] gives it to them, one after the other.
    pub fn hold(&self) {
        self.state.is_holding.store(true, Ordering::Relaxed);
    }

    /// Answers so many of the requests that are held.
    pub fn answer(&self, requests: usize) {
        self.state.answers.add_permits(requests);
    }

    /// What was taken, in the order of arrival.
    pub fn taken(&self) -> Vec<Taken> {
        self.state.taken.lock().expect("whole").clone()
    }

    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    while let Some(taken) = read(&mut stream).await {
        let number = state.requests.fetch_add(1, Ordering::Relaxed) % FLAKY;
        let is_flaky = state.is_flaky.load(Ordering::Relaxed);
        if state.is_holding.load(Ordering::Relaxed) {
            state.answers.acquire().await.expect("open").forget();
        }
        if state.is_broken.load(Ordering::Relaxed) || (is_flaky && number == FLAKY / 2) {
            let peace = state.retry_after.load(Ordering::Relaxed);
            let header = if peace > 0 { format!("Retry-After: {peace}\r\n") } else { String::new() };
            let answer = format!("HTTP/1.1 500 Oops\r\n{header}Content-Length: 0\r\n\r\n");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        state.taken.lock().expect("whole").push(taken);
        let is_left = is_flaky && number == 0;
        if is_left || stream.write_all(b"HTTP/1.1 204 Taken\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// The next request of a connection.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Taken> {
    let (mut id, mut signature, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-chinwag-delivery" => id = value.to_owned(),
            "x-chinwag-signature" => signature = value.to_owned(),
            "content-length" => length = value.parse().expect("a length"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Taken { id, signature, body: String::from_utf8(body).expect("text") })
}

/// The signature of a request at the time that it names (RFC 2104).
pub fn expected_signature(secret: &str, taken: &Taken) -> String {
    let time = taken.signature.strip_prefix("t=").and_then(|rest| rest.split(',').next()).expect("a time");
    let mut block = [0; 64];
    match secret.len() > block.len() {
        true => block[..32].copy_from_slice(&Sha256::digest(secret)),
        false => block[..secret.len()].copy_from_slice(secret.as_bytes()),
    }
    let inner =
        Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(format!("{time}.{}", taken.body));
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner.finalize());
    let code: String = outer.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={code}")
}
