//! Origins that may call the server: its own, localhost on any port, and configured ones. Without credentials, because
//! tokens are sent in headers.

use actix_cors::Cors;
use actix_web::http::header;

/// The CORS middleware, with `allowed` origins besides localhost.
pub fn cors(allowed: &[String]) -> Cors {
    let allowed = allowed.to_vec();
    Cors::default()
        .allowed_origin_fn(move |origin, _| origin.to_str().is_ok_and(|origin| is_allowed(origin, &allowed)))
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allow_any_header()
        .expose_headers([
            header::ETAG.as_str(),
            header::RETRY_AFTER.as_str(),
            "x-next-cursor",
            "x-partial",
            "x-request-id",
        ])
        .max_age(3600)
}

/// Whether an origin is local or configured.
pub(super) fn is_allowed(origin: &str, allowed: &[String]) -> bool {
    is_local(origin) || allowed.iter().any(|other| other.eq_ignore_ascii_case(origin))
}

/// `http(s)://localhost`, `127.0.0.1` or `[::1]` with any port.
fn is_local(origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(scheme, "http" | "https") && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_pages_may_call_and_look_alikes_may_not() {
        for origin in ["http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:3000"] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in [
            "http://localhost.evil.example",
            "http://evil.example:80",
            "null",
            "ftp://localhost",
            "http://localhost:80.evil.example",
            "http://127.0.0.1.nip.io:80",
        ] {
            assert!(!is_local(origin), "{origin}");
        }
    }
}
