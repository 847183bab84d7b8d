//! Requests to the node's own public address. Written by hand, because no other part of the binary needs an HTTP client.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Time for a request and its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

/// A request without a token.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Behind the path of the address.
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// Length of the body, which consists of zeros.
    pub(super) body_bytes: u64,
}

/// An answer, with whatever is in its body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Sends a request and reads the answer.
///
/// # Errors
/// The address cannot be reached, its certificate is not valid, or it does not answer in time.
pub(super) async fn send(url: &Url, request: &Request<'_>) -> Result<Answer> {
    let late = |_| Error::new(ErrorKind::TimedOut, "no answer in time");
    tokio::time::timeout(PATIENCE, exchange(url, request)).await.map_err(late)?
}

async fn exchange(url: &Url, request: &Request<'_>) -> Result<Answer> {
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => return Err(Error::new(ErrorKind::InvalidInput, "no host")),
    };
    let stream = TcpStream::connect((host.as_str(), url.port_or_known_default().unwrap_or(80))).await?;
    let head = head(url, request);
    if url.scheme() != "https" {
        return talk(stream, &head, request.body_bytes).await;
    }
    let name = ServerName::try_from(host).map_err(Error::other)?;
    talk(connector()?.connect(name, stream).await?, &head, request.body_bytes).await
}

/// TLS with the certificates that the system trusts.
fn connector() -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(Error::other)?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn head(url: &Url, request: &Request<'_>) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let Request { method, path, headers, body_bytes } = request;
    let mut head = format!("{method} {}{path} HTTP/1.1\r\nHost: {host}\r\n", url.path().trim_end_matches('/'));
    if *body_bytes > 0 {
        head += &format!("Content-Length: {body_bytes}\r\n");
    }
    for (name, value) in *headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

async fn talk(stream: impl AsyncRead + AsyncWrite, head: &str, body_bytes: u64) -> Result<Answer> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async {
        writer.write_all(head.as_bytes()).await?;
        let mut left = body_bytes;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
            writer.write_all(&ZEROS[..piece]).await?;
            left -= piece as u64;
        }
        writer.flush().await
    };
    tokio::pin!(writing);
    let reading = read(&mut reader);
    tokio::pin!(reading);
    tokio::select! {
        answer = &mut reading => return answer,
        // A server that refuses a body does not read it: only the response counts.
        _ = &mut writing => {}
    }
    reading.await
}

async fn read(reader: &mut (impl AsyncRead + Unpin)) -> Result<Answer> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while answer.len() < MAX_ANSWER_BYTES {
        match reader.read(&mut piece).await {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            // A connection that was closed before the body was read may be reset after the response.
            Err(_) if parse(&answer).is_some() => break,
            Err(error) => return Err(error),
        }
        if is_complete(&answer) {
            break;
        }
    }
    parse(&answer).ok_or_else(|| Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

/// Whether a response has arrived as far as its head announces its length. Others end with the connection.
fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match value("content-length:").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => value("transfer-encoding:").is_some() && body.ends_with("0\r\n\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let cases: [(&str, bool); 6] = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", false),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", false),
        ];
        for (answer, complete) in cases {
            assert_eq!(is_complete(answer.as_bytes()), complete, "{answer:?}");
        }
        assert!(parse(b"SSH-2.0-OpenSSH_9.6\r\n\r\n").is_none());
        assert_eq!(parse(b"HTTP/1.0 413 Too Large\r\n\r\n").map(|answer| answer.status), Some(413));
    }

    #[test]
    fn a_request_goes_below_the_path_of_the_address() {
        let url = Url::parse("https://chat.example.org:8443/talk/").expect("an address");
        let request = Request { method: "GET", path: "/ws/check", headers: &[("X-A", "b")], body_bytes: 0 };
        let expected = "GET /talk/ws/check HTTP/1.1\r\nHost: chat.example.org:8443\r\nX-A: b\r\n\r\n";
        assert_eq!(head(&url, &request), expected);
    }
}
