//! The client's address and user agent.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::config::Network;
use crate::domain::Client;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client of a request: the peer, or the client that trusted proxies report.
pub fn client_of(request: &HttpRequest, trusted: &[Network]) -> Client {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let hops = request.headers().get_all(FORWARDED_FOR).map(|value| value.as_bytes());
    Client::new(address(peer, hops, trusted), &agent.unwrap_or_default())
}

/// Whether the peer itself is a trusted proxy.
pub(in crate::edge) fn is_from_trusted(request: &HttpRequest, trusted: &[Network]) -> bool {
    request.peer_addr().is_some_and(|peer| trusted.iter().any(|network| network.contains(peer.ip())))
}

/// The right-most hop that is no trusted proxy. Anything to the left of it may be forged.
fn address<'a>(peer: IpAddr, hops: impl Iterator<Item = &'a [u8]>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    // As bytes, because the client may have sent any.
    let hops: Vec<&[u8]> = hops.flat_map(|value| value.split(|byte| *byte == b',')).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let hop = std::str::from_utf8(hop.trim_ascii()).ok().and_then(|hop| hop.parse::<IpAddr>().ok());
        let Some(hop) = hop else { return nearest };
        nearest = hop;
        if !is_trusted(hop) {
            return hop;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let from = |peer: &str, hops: &[&str]| address(ip(peer), hops.iter().map(|hop| hop.as_bytes()), &trusted);
        assert_eq!(from("192.0.2.1", &["1.2.3.4"]), ip("192.0.2.1"));
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 1.2.3.4"]), ip("1.2.3.4"));
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "1.2.3.4, 10.0.0.2"]), ip("1.2.3.4"));
        assert_eq!(from("10.0.0.1", &["1.2.3.4, nonsense"]), ip("10.0.0.1"));
        assert_eq!(from("10.0.0.1", &[]), ip("10.0.0.1"));
        let odd: [&[u8]; 1] = [b"\xff, 1.2.3.4"];
        assert_eq!(address(ip("10.0.0.1"), odd.into_iter(), &trusted), ip("1.2.3.4"));
    }
}
