//! How a request arrives through the proxies in front of a node, for `chinwag check`.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::edge::{Context, client_of, is_from_trusted};

/// What the caller has sent, as it arrived.
#[derive(Serialize)]
struct Arrival {
    /// The address that the node takes for the caller's.
    address: IpAddr,
    /// `X-Forwarded-For`.
    forwarded_for: String,
    /// Whether the peer is a trusted proxy.
    is_proxy_trusted: bool,
    /// Whether it has the head of a WebSocket's handshake.
    is_handshake: bool,
}

/// Shows a caller how the request arrived.
pub(super) async fn arrival(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let trusted = &context.trusted_proxies;
    let is_handshake = has(&request, &header::UPGRADE, "websocket") && has(&request, &header::CONNECTION, "upgrade");
    let arrival = Arrival {
        address: client_of(&request, trusted).ip,
        forwarded_for: texts(&request, &HeaderName::from_static("x-forwarded-for")),
        is_proxy_trusted: is_from_trusted(&request, trusted),
        is_handshake,
    };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(arrival)
}

fn has(request: &HttpRequest, name: &HeaderName, word: &str) -> bool {
    texts(request, name).split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// The values of a header, in one text.
fn texts(request: &HttpRequest, name: &HeaderName) -> String {
    let values = request.headers().get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    values.collect::<Vec<_>>().join(", ")
}
