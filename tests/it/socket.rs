//! A WebSocket client for tests, which waits for frames and never sleeps.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{PATIENCE, User, World, eventually};

/// An open WebSocket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// How a connection ended: its close code, `None` when it was cut.
pub type End = Option<u16>;

impl Socket {
    /// Opens `path` on a node, with the token in the query (`?token=` is added) or in a header.
    pub async fn open(base: &str, path: &str, token: Option<&str>, header: Option<&str>) -> Result<Self, u16> {
        let base = base.replacen("http", "ws", 1);
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = token.map_or(format!("{base}{path}"), |token| format!("{base}{path}{mark}token={token}"));
        let mut request = url.into_client_request().expect("an address");
        if let Some(token) = header {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
            request.headers_mut().insert("authorization", value);
        }
        match tokio::time::timeout(PATIENCE, connect_async(request)).await.expect("answered") {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.expect("the connection is open");
    }

    pub async fn send(&mut self, frame: &Value) {
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_raw(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// Sends a close frame and waits for the server's.
    pub async fn close(&mut self) {
        self.stream.close(None).await.expect("the connection is open");
        while self.next_or_end().await.is_ok() {}
    }

    /// The next text frame.
    pub async fn next(&mut self) -> Value {
        match self.next_or_end().await {
            Ok(frame) => frame,
            Err(end) => panic!("the connection ended with {end:?}"),
        }
    }

    /// The next text frame, or how the connection ended.
    pub async fn next_or_end(&mut self) -> Result<Value, End> {
        self.next_within(PATIENCE).await.unwrap_or_else(|| panic!("no frame came"))
    }

    /// The same, or `None` after this time.
    pub async fn next_within(&mut self, patience: Duration) -> Option<Result<Value, End>> {
        tokio::time::timeout(patience, self.read()).await.ok()
    }

    /// The next text frame, or how the connection ended, however long it takes.
    async fn read(&mut self) -> Result<Value, End> {
        loop {
            return match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
                }
                Some(Ok(Message::Close(frame))) => Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Err(None),
            };
        }
    }

    /// The next frame of this type. Others are skipped.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Asserts that the server has sent nothing else so far: the pong of document 000 must be next.
    pub async fn assert_quiet(&mut self) {
        self.send(&json!({"type": "ping"})).await;
        let frame = self.next().await;
        assert_eq!(frame["type"], "pong", "{frame}");
    }

    /// Leaves the connection to a task that answers the server's pings, without which it is closed after a minute.
    pub fn attend(mut self) -> Attended {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = &mut stopped => {}
                heard = self.read() => panic!("nothing but pings was expected: {heard:?}"),
            }
            self
        });
        Attended { stop, task }
    }
}

/// A connection on which nothing but pings is expected for a while.
pub struct Attended {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Socket>,
}

impl Attended {
    /// Asserts that the server sent nothing but pings, and that the connection is still open.
    pub async fn assert_quiet(self) {
        drop(self.stop);
        self.task.await.expect("nothing was sent").assert_quiet().await;
    }
}

impl World {
    /// A WebSocket of document 000 for a user.
    pub async fn webchat(&self, node: usize, user: &User<'_>, query: &str) -> Socket {
        let path = if query.is_empty() { "/ws".to_owned() } else { format!("/ws?{query}") };
        self.accepted(node, &path, [Some(&user.token), None]).await
    }

    /// A WebSocket of document 001.
    pub async fn envelope(&self, node: usize, user: &User<'_>) -> Socket {
        self.accepted(node, "/api/v1/ws", [None, Some(&user.token)]).await
    }

    /// A WebSocket of document 002.
    pub async fn messenger(&self, node: usize, user: &User<'_>) -> Socket {
        self.accepted(node, "/ws/chat", [None, Some(&user.token)]).await
    }

    /// WebSockets of clients that know nothing but a document, and one of document 004 that asks for more.
    pub async fn documents(&self, node: usize, user: &User<'_>) -> [Socket; 5] {
        [
            self.webchat(node, user, "").await,
            self.envelope(node, user).await,
            self.messenger(node, user).await,
            self.imtypes(node, user, "").await,
            self.imtypes(node, user, "ext=1").await,
        ]
    }

    /// A WebSocket of document 004.
    pub async fn imtypes(&self, node: usize, user: &User<'_>, query: &str) -> Socket {
        let path = if query.is_empty() { "/ws/chat".to_owned() } else { format!("/ws/chat?{query}") };
        self.accepted(node, &path, [Some(&user.token), None]).await
    }

    /// A WebSocket with a token in the query or in a header. On a busy machine Redis may be late, which is answered with 503.
    async fn accepted(&self, node: usize, path: &str, [query, header]: [Option<&str>; 2]) -> Socket {
        let mut accepted = None;
        eventually("the socket is accepted", async || {
            match Socket::open(&self.base(node), path, query, header).await {
                Err(503) => {}
                outcome => accepted = Some(outcome.expect("accepted")),
            }
            accepted.is_some()
        })
        .await;
        accepted.expect("just accepted")
    }

    /// The base URL of a node, without a path.
    pub fn base(&self, node: usize) -> String {
        self.url(node, "")
    }
}
