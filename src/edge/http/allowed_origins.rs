//! Origins that may call the server besides its own: localhost on any port, and configured ones.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// The origins, which the workers of a node share.
#[derive(Clone)]
pub struct AllowedOrigins(Arc<ArcSwap<Vec<String>>>);

impl AllowedOrigins {
    /// Localhost and these.
    pub fn new(configured: &[String]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(configured.to_vec())))
    }

    /// Replaces the configured ones.
    pub fn reload(&self, configured: &[String]) {
        self.0.store(Arc::new(configured.to_vec()));
    }

    /// Whether an origin is local or configured.
    pub(super) fn has(&self, origin: &str) -> bool {
        is_local(origin) || self.0.load().iter().any(|other| other.eq_ignore_ascii_case(origin))
    }
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
