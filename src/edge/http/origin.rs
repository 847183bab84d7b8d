//! Which web pages may open a WebSocket: those of the server's own origin, of localhost, and configured ones.
//!
//! The server's own origin is that of `server.public_url`, or where the request was sent to. A proxy may have changed
//! `Host`, and may write the default port or not; what it says about the original request counts only if it is trusted.

use actix_web::HttpRequest;
use actix_web::http::header;
use url::Url;

use super::client::is_from_trusted;
use super::forwarded::{first_value, forwarded_is_https};
use crate::edge::context::Context;

/// Whether the origin of a handshake may open a WebSocket. Programs send no origin.
pub(in crate::edge) fn is_origin_allowed(request: &HttpRequest, context: &Context) -> bool {
    let Some(text) = request.headers().get(header::ORIGIN) else { return true };
    let Ok(text) = text.to_str() else { return false };
    context.allowed_origins.has(text) || Origin::parse(text).is_some_and(|origin| is_own(&origin, request, context))
}

fn is_own(origin: &Origin, request: &HttpRequest, context: &Context) -> bool {
    if Origin::of_url(&context.public_url).is_some_and(|own| own == *origin) {
        return true;
    }
    let is_trusted = is_from_trusted(request, &context.trusted_proxies);
    // Without a trusted proxy, it is unknown whether the page was loaded with TLS.
    let is_other_scheme = is_trusted && forwarded_is_https(request).is_some_and(|is_https| is_https != origin.is_https);
    let forwarded_host = first_value(request, header::X_FORWARDED_HOST).filter(|_| is_trusted);
    let host = first_value(request, header::HOST);
    !is_other_scheme && [host, forwarded_host].into_iter().flatten().any(|host| origin.is_of_host(host))
}

#[derive(Debug, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    /// In lower case.
    host: String,
    port: u16,
}

impl Origin {
    /// Parses an origin as browsers send it.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (host, port) = host_and_port(authority)?;
        Some(Self { is_https, host, port: port.unwrap_or(default_port(is_https)) })
    }

    /// The origin of a configured address, which may have a path.
    fn of_url(url: &str) -> Option<Self> {
        Self::parse(&Url::parse(url).ok()?.origin().ascii_serialization())
    }

    /// Whether a page of this origin was loaded from a host as it stands in a header.
    fn is_of_host(&self, host: &str) -> bool {
        host_and_port(host)
            .is_some_and(|(host, port)| host == self.host && port.unwrap_or(default_port(self.is_https)) == self.port)
    }
}

fn default_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

/// The host in lower case, and its port if there is one.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of an IPv6 address is within brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) || port.is_some_and(|port| port.starts_with('+')) {
        return None;
    }
    let port = port.map(str::parse).transpose().ok()?;
    Some((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_parsed_strictly() {
        let parsed = |text: &str| Origin::parse(text).map(|origin| (origin.is_https, origin.host, origin.port));
        assert_eq!(parsed("https://Chat.example.org"), Some((true, "chat.example.org".to_owned(), 443)));
        assert_eq!(parsed("http://[2001:db8::1]:8000"), Some((false, "[2001:db8::1]".to_owned(), 8000)));
        for odd in
            ["https://", "https://a/", "https://a@b", "https://a:b", "https://a:+80", "https://:80", "a", "ws://a"]
        {
            assert_eq!(parsed(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_configured_address_has_an_origin() {
        let of = |url: &str| Origin::of_url(url).map(|origin| (origin.host, origin.port));
        assert_eq!(of("https://chat.example.org/base"), Some(("chat.example.org".to_owned(), 443)));
        assert_eq!(of("https://bücher.example:8443"), Some(("xn--bcher-kva.example".to_owned(), 8443)));
        assert_eq!(of(""), None);
    }
}
