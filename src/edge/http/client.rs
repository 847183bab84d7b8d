//! The client's address and user agent.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::config::Network;
use crate::domain::Client;

/// The client of a request: the peer, or the client that trusted proxies report.
pub fn client_of(request: &HttpRequest, trusted: &[Network]) -> Client {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let hops = request.headers().get_all(header::X_FORWARDED_FOR).map(|value| value.as_bytes());
    Client::new(address(peer, hops, trusted), &agent.unwrap_or_default())
}

/// Whether the peer itself is a trusted proxy.
pub fn is_from_trusted(request: &HttpRequest, trusted: &[Network]) -> bool {
    request.peer_addr().is_some_and(|peer| trusted.iter().any(|network| network.contains(peer.ip())))
}

/// The right-most hop that is not a trusted proxy. Anything to the left of it may be forged. If a proxy does not report
/// its hop, the proxy counts as the client.
fn address<'a>(peer: IpAddr, hops: impl Iterator<Item = &'a [u8]>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    // As bytes, because the client may have sent any.
    let values: Vec<&[u8]> = hops.collect();
    let hops = values.into_iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    let mut nearest = peer;
    for hop in hops.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty()) {
        let Some(hop) = std::str::from_utf8(hop).ok().and_then(hop_address) else { return nearest };
        nearest = hop;
        if !is_trusted(hop) {
            return hop;
        }
    }
    nearest
}

/// The address of a hop. Proxies write it with quotes, brackets, a port or a zone; some write `unknown` or a name.
fn hop_address(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let address = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // An address with one colon is of IPv4 and has a port.
        None => text.split_once(':').filter(|(_, port)| !port.contains(':')).map_or(text, |(address, _)| address),
    };
    let without_zone = address.split_once('%').map_or(address, |(address, _)| address);
    without_zone.parse().ok().map(|address: IpAddr| address.to_canonical())
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
        assert_eq!(from("10.0.0.1", &[]), ip("10.0.0.1"));
        assert_eq!(from("::ffff:10.0.0.1", &["1.2.3.4"]), ip("1.2.3.4"));
        let odd: [&[u8]; 1] = [b"\xff, 1.2.3.4"];
        assert_eq!(address(ip("10.0.0.1"), odd.into_iter(), &trusted), ip("1.2.3.4"));
    }

    #[test]
    fn hops_are_understood_however_they_are_written() {
        let trusted =
            ["10.0.0.0/8", "2001:db8:aaaa::1", "::ffff:172.16.0.9"].map(|text| text.parse().expect("a network"));
        let from = |hops: &[&str]| address(ip("10.0.0.1"), hops.iter().map(|hop| hop.as_bytes()), &trusted).to_string();
        for (hops, client) in [
            (&["1.2.3.4:567"][..], "1.2.3.4"),
            (&["\"1.2.3.4\""], "1.2.3.4"),
            (&["\"1.2.3.4:567\""], "1.2.3.4"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["\"[2001:db8::1]:443\""], "2001:db8::1"),
            (&["fe80::1%eth0"], "fe80::1"),
            (&["[fe80::1%25eth0]:443"], "fe80::1"),
            (&["::ffff:1.2.3.4"], "1.2.3.4"),
            (&["[::ffff:1.2.3.4]:80"], "1.2.3.4"),
            (&["  1.2.3.4\t"], "1.2.3.4"),
            // Empty elements are no hops.
            (&["1.2.3.4, ,"], "1.2.3.4"),
            (&["6.6.6.6", "1.2.3.4", ""], "1.2.3.4"),
            // Behind several proxies.
            (&["6.6.6.6, 1.2.3.4:1, 10.0.0.2:2"], "1.2.3.4"),
            (&["1.2.3.4, ::ffff:10.0.0.3"], "1.2.3.4"),
            (&["1.2.3.4, [2001:db8:aaaa::1]:9"], "1.2.3.4"),
            (&["1.2.3.4, 172.16.0.9"], "1.2.3.4"),
            (&["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            // The client's address is unknown, and the client must not choose one by what it sends itself.
            (&["1.2.3.4, unknown"], "10.0.0.1"),
            (&["1.2.3.4, _hidden"], "10.0.0.1"),
            (&["1.2.3.4, unknown, 10.0.0.7"], "10.0.0.7"),
            (&["1.2.3.4, nonsense"], "10.0.0.1"),
            (&["1.2.3.4, 1.2.3.4.5"], "10.0.0.1"),
            (&["1.2.3.4, [2001:db8::1"], "10.0.0.1"),
            (&["1.2.3.4, :80"], "10.0.0.1"),
            (&["unknown"], "10.0.0.1"),
            (&["", ","], "10.0.0.1"),
        ] {
            assert_eq!(from(hops), client, "{hops:?}");
        }
    }
}
