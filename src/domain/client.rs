//! Origin of a request.

use std::net::{IpAddr, Ipv6Addr};

/// Maximum length of a user agent in characters; longer ones are truncated.
const MAX_USER_AGENT_CHARS: usize = 512;

/// The client's address (behind trusted proxies: the address they report) and user agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Address of the client, never of a trusted proxy.
    pub ip: IpAddr,
    /// The `User-Agent` header, truncated; empty when absent.
    pub user_agent: String,
}

impl Client {
    /// Creates a client, truncating a long user agent.
    pub fn new(ip: IpAddr, user_agent: &str) -> Self {
        Self { ip: ip.to_canonical(), user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect() }
    }

    /// What limits count as one address.
    pub fn counted_address(&self) -> IpAddr {
        counted_address(self.ip)
    }
}

/// What limits count as one address: an IPv6 customer has a whole /64.
pub fn counted_address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let counted = |ip: &str| Client::new(ip.parse().expect("an address"), "").counted_address().to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
