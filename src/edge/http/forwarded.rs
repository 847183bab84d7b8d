//! What proxies say about the request that they received. It counts only if they are trusted.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

/// The scheme in `X-Forwarded-Proto`, which some proxies call `wss` for WebSockets.
pub(in crate::edge) fn forwarded_is_https(request: &HttpRequest) -> Option<bool> {
    match first_value(request, header::X_FORWARDED_PROTO)?.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

/// The first element of a header; each further proxy appends one.
pub(super) fn first_value(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    let value = request.headers().get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim)
}
