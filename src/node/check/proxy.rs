//! What a proxy in front of a node does to requests: the node is called by its public address.

use serde::Deserialize;
use url::Url;

use super::Finding;
use super::http::{self, Request};
use crate::config::Config;

/// An address of the network that is reserved for documentation: no client has it.
const INVENTED: &str = "192.0.2.1";
/// What any form may have besides the file.
const FORM_BYTES: u64 = 1024;
/// Largest body that is sent.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;
/// A handshake, which need not be answered as one.
const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// What a node says of the request that arrived.
#[derive(Deserialize)]
struct Arrival {
    address: String,
    forwarded_for: String,
    is_proxy_trusted: bool,
    is_handshake: bool,
}

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let public_url = &config.server.public_url;
    if public_url.is_empty() {
        return vec![Finding::doubtful("proxy", "not checked: server.public_url is empty")];
    }
    let arrived = match Url::parse(public_url) {
        Ok(url) => ask(&url, &[("Connection", "close"), ("X-Forwarded-For", INVENTED)]).await.map(|it| (url, it)),
        Err(error) => Err(error.to_string()),
    };
    match arrived {
        Ok((url, arrival)) => {
            vec![address(&arrival, &url), sockets(&url).await, bodies(&url, config.uploads.max_bytes).await]
        }
        Err(reason) => vec![Finding::wrong("proxy", format!("{public_url}: {reason}"))],
    }
}

/// Asks a node how a request with these headers arrives.
async fn ask(url: &Url, headers: &[(&str, &str)]) -> Result<Arrival, String> {
    let request = Request { method: "GET", path: "/ws/check", headers, body_bytes: 0 };
    let answer = http::send(url, &request).await.map_err(|error| error.to_string())?;
    // The body may have come in chunks.
    let json = answer.body.find('{').zip(answer.body.rfind('}')).map(|(start, end)| &answer.body[start..=end]);
    json.filter(|_| answer.status == 200)
        .and_then(|json| serde_json::from_str(json).ok())
        .ok_or_else(|| format!("/ws/check is answered with {}, and not by a node", answer.status))
}

/// Which address arrives. A proxy appends the one that it sees to `X-Forwarded-For`, or sends it alone.
fn address(arrival: &Arrival, url: &Url) -> Finding {
    let Arrival { address, forwarded_for, is_proxy_trusted, .. } = arrival;
    let seen = forwarded_for.rsplit(',').map(str::trim).find(|hop| !hop.is_empty());
    let reported = seen.filter(|hop| *hop != INVENTED);
    match (is_proxy_trusted, reported, seen) {
        (true, Some(client), _) => Finding::good("proxy address", format!("{client} arrives through a trusted proxy")),
        (true, None, Some(_)) => Finding::wrong(
            "proxy address",
            "clients can forge theirs: the proxy must append the one it sees to X-Forwarded-For, or replace it",
        ),
        (true, None, None) => Finding::wrong(
            "proxy address",
            format!("all clients appear as the proxy, {address}: it must send X-Forwarded-For"),
        ),
        (false, None, Some(_)) if url.scheme() == "http" => {
            Finding::good("proxy address", format!("{address} arrives, from no proxy"))
        }
        (false, _, _) => Finding::wrong(
            "proxy address",
            format!("all clients appear as the proxy, {address}: list it in server.trusted_proxies"),
        ),
    }
}

/// Whether the head of a handshake arrives.
async fn sockets(url: &Url) -> Finding {
    match ask(url, &HANDSHAKE).await {
        Ok(arrival) if arrival.is_handshake => Finding::good("proxy WebSockets", "a handshake arrives"),
        Ok(_) => Finding::wrong("proxy WebSockets", "the headers Upgrade and Connection of a handshake do not arrive"),
        Err(reason) => Finding::wrong("proxy WebSockets", reason),
    }
}

/// Whether the largest upload arrives. A node refuses it for its lack of a token.
async fn bodies(url: &Url, max_bytes: u64) -> Finding {
    let body_bytes = max_bytes.min(MAX_BODY_BYTES) + FORM_BYTES;
    let headers = [("Connection", "close"), ("Content-Type", "multipart/form-data; boundary=check")];
    let request = Request { method: "POST", path: "/api/v1/upload/image", headers: &headers, body_bytes };
    let size = format!("{} MiB", body_bytes / MIB);
    match http::send(url, &request).await {
        Ok(answer) if answer.status == 401 => Finding::good("proxy bodies", format!("uploads of {size} arrive")),
        Ok(answer) if answer.status == 413 => {
            Finding::wrong("proxy bodies", format!("uploads of {size} are refused with 413 (uploads.max_bytes)"))
        }
        Ok(answer) => Finding::wrong("proxy bodies", format!("uploads of {size} are answered with {}", answer.status)),
        Err(error) => Finding::wrong("proxy bodies", format!("uploads of {size} do not arrive: {error}")),
    }
}
