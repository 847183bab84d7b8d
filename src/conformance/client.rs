//! HTTP and WebSocket connections to the server under test.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use url::{Host, Url};

/// How often, and for how long, requests are retried after a 429.
const MAX_WAITS: u32 = 30;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A server, at an address without a path.
#[derive(Clone)]
pub struct Server {
    pub(super) http: reqwest::Client,
    url: Url,
    tls: Arc<ClientConfig>,
    /// Timeout for each response and each frame.
    pub(super) patience: Duration,
}

impl Server {
    /// The server at this address, with this timeout for each response.
    ///
    /// # Errors
    /// The reason why the address is invalid.
    pub fn at(url: &str, patience: Duration) -> Result<Self, String> {
        let url: Url = url.parse().map_err(|error| format!("{url}: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !matches!(url.path(), "" | "/") || !url.has_host() {
            return Err(format!("{url}: an address is http:// or https://, a host, and a port where it needs one"));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(config.clone())
            .redirect(Policy::none())
            .no_proxy()
            .timeout(patience)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, url, tls: Arc::new(config), patience })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// Checks that the server can be reached.
    ///
    /// # Errors
    /// The reason why it cannot, in one line.
    pub async fn reach(&self) -> Result<(), String> {
        self.http.get(self.url("/")).send().await.map(drop).map_err(|error| reason(&error))
    }

    /// Opens a WebSocket.
    pub(super) async fn open(&self, path: &str, header: Option<&str>) -> Result<Socket, NotOpened> {
        let late = |_| NotOpened::Failed("no answer in time".to_owned());
        tokio::time::timeout(self.patience, self.connect(path, header)).await.map_err(late)?
    }

    async fn connect(&self, path: &str, header: Option<&str>) -> Result<Socket, NotOpened> {
        let failed = |error: &dyn std::fmt::Display| NotOpened::Failed(error.to_string());
        let url = self.url(path).replacen("http", "ws", 1);
        let mut request = url.into_client_request().map_err(|error| failed(&error))?;
        if let Some(token) = header {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| failed(&error))?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let stream = self.stream().await.map_err(|error| failed(&error))?;
        match client_async(request, stream).await {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(Error::Http(answer)) => Err(NotOpened::Refused(answer.status().as_u16())),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn stream(&self) -> std::io::Result<Box<dyn Stream>> {
        let host = match self.url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        let stream = TcpStream::connect((host.as_str(), self.url.port_or_known_default().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        if self.url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
        Ok(Box::new(TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?))
    }
}

/// Sends a request, and retries it if the server answers 429.
pub(super) async fn send(request: impl Fn() -> RequestBuilder) -> Result<Response, String> {
    let mut waits = 0;
    loop {
        let answer = request().send().await.map_err(|error| reason(&error))?;
        if answer.status() != StatusCode::TOO_MANY_REQUESTS || waits == MAX_WAITS {
            return Ok(answer);
        }
        let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1)).min(LONGEST_WAIT)).await;
        waits += 1;
    }
}

/// Why a request failed: the innermost cause is the most specific.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut reason: &dyn std::error::Error = error;
    while let Some(cause) = reason.source() {
        reason = cause;
    }
    reason.to_string()
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a handshake failed.
pub(super) enum NotOpened {
    /// The status of the answer.
    Refused(u16),
    Failed(String),
}

/// An open WebSocket.
pub(super) struct Socket {
    stream: WebSocketStream<Box<dyn Stream>>,
}

/// What a WebSocket receives.
#[derive(Debug)]
pub(super) enum Came {
    Frame(Value),
    /// A frame that is not JSON.
    Other(String),
    /// The end, with its close code; `None` when the connection was cut.
    End(Option<u16>),
    Nothing,
}

impl std::fmt::Display for Came {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(frame) => write!(formatter, "{frame}"),
            Self::Other(frame) => write!(formatter, "{frame:?}, which is no JSON"),
            Self::End(Some(code)) => write!(formatter, "the end with code {code}"),
            Self::End(None) => formatter.write_str("the end of the connection"),
            Self::Nothing => formatter.write_str("nothing"),
        }
    }
}

impl Socket {
    /// Sends a frame. A connection that has ended shows when it is read.
    pub(super) async fn send(&mut self, message: Message) {
        drop(self.stream.send(message).await);
    }

    /// Sends a close frame and waits for the server's.
    pub(super) async fn close(&mut self, patience: Duration) {
        if self.stream.close(None).await.is_ok() {
            while let Came::Frame(_) | Came::Other(_) = self.next(patience).await {}
        }
    }

    /// The next frame within this time.
    pub(super) async fn next(&mut self, patience: Duration) -> Came {
        tokio::time::timeout(patience, self.read()).await.unwrap_or(Came::Nothing)
    }

    async fn read(&mut self) -> Came {
        loop {
            return match self.stream.next().await {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(frame) => Came::Frame(frame),
                    Err(_) => Came::Other(text.to_string()),
                },
                Some(Ok(Message::Binary(bytes))) => Came::Other(format!("{} bytes", bytes.len())),
                Some(Ok(Message::Close(frame))) => Came::End(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Came::End(None),
            };
        }
    }
}
