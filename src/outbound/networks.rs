//! The addresses that outgoing requests may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::{Network, OutboundConfig};

/// IPv4 networks that are not public (RFC 6890 and IANA's registry of special-purpose addresses).
const CLOSED_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared by customers of a carrier
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local, where clouds serve credentials
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocols of the IETF
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 88, 99, 0], 24),  // relays of 6to4
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, broadcast
];
/// The only IPv6 network with public addresses; it excludes loopback, link-local, unique-local and multicast ones.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// Networks inside of it that are not public.
const CLOSED_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),     // protocols of the IETF, Teredo
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),     // 6to4
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),     // documentation
];
/// Addresses that a gateway translates into the IPv4 address in their last four bytes (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// Addresses of documentation, which no machine has.
const OF_NOBODY: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

/// The addresses that may be reached: public ones that are not this machine's, and those of the networks that the settings
/// allow. The networks that the settings refuse are in neither.
#[derive(Clone, Debug)]
pub(super) struct Reachable {
    allowed: Vec<Network>,
    refused: Vec<Network>,
    is_own: fn(IpAddr) -> bool,
}

impl Reachable {
    pub(super) fn new(config: &OutboundConfig) -> Self {
        let is_known_of_nobody = OF_NOBODY.iter().any(|address| is_own(*address));
        Self {
            allowed: config.allowed_networks.clone(),
            refused: config.refused_networks.clone(),
            // A system that binds to any address (`ip_nonlocal_bind`) does not tell which are its own.
            is_own: if is_known_of_nobody { |_| false } else { is_own },
        }
    }

    /// Whether requests may go to an address.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = meant(address);
        let is_open = || is_public(address) && !(self.is_own)(address);
        !self.is_refused(address) && (is_in(&self.allowed, address) || is_open())
    }

    /// Whether the settings allow the network of an address.
    pub(super) fn is_allowed(&self, address: IpAddr) -> bool {
        let address = meant(address);
        is_in(&self.allowed, address) && !self.is_refused(address)
    }

    fn is_refused(&self, address: IpAddr) -> bool {
        is_in(&self.refused, address)
    }
}

fn is_in(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Whether an address is this machine's: sockets can be bound to no other. Interfaces may change their addresses at any time.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// The IPv4 address that an IPv6 address stands for, if it does.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if !NAT64.contains(&v6) {
        return address.to_canonical();
    }
    let [.., a, b, c, d] = v6.octets();
    Ipv4Addr::new(a, b, c, d).into()
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !CLOSED_V4.iter().any(|network| network.contains(&v4)),
        IpAddr::V6(v6) => GLOBAL_V6.contains(&v6) && !CLOSED_V6.iter().any(|network| network.contains(&v6)),
    }
}

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: [&str; 11] = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
    ];
    const CLOSED: [&str; 41] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1.1.1.1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ];

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    fn reachable(allowed: &[&str], refused: &[&str]) -> Reachable {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a network")).collect();
        let (allowed_networks, refused_networks) = (networks(allowed), networks(refused));
        Reachable::new(&OutboundConfig { allowed_networks, refused_networks, timeout_secs: 1 })
    }

    #[test]
    fn public_addresses_are_reached_and_no_others() {
        let reachable = reachable(&[], &[]);
        for text in PUBLIC {
            assert!(reachable.contains(address(text)), "{text}");
        }
        for text in CLOSED {
            assert!(!reachable.contains(address(text)), "{text}");
        }
    }

    #[test]
    fn allowed_networks_are_reached_in_every_notation() {
        let reachable = reachable(&["10.1.0.0/16", "fd00::/64"], &[]);
        for text in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00::7", "1.1.1.1"] {
            assert!(reachable.contains(address(text)), "{text}");
        }
        for text in ["10.2.0.1", "::ffff:10.2.0.1", "64:ff9b::10.2.0.1", "fd00:0:0:1::7", "127.0.0.1"] {
            assert!(!reachable.contains(address(text)), "{text}");
        }
    }

    #[test]
    fn refused_networks_are_not_reached_in_any_notation() {
        let reachable = reachable(&["10.0.0.0/8"], &["1.1.1.0/24", "10.1.0.0/16", "2606:4700::/32"]);
        for text in ["1.1.1.1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "10.1.2.3", "2606:4700:4700::1111"] {
            assert!(!reachable.contains(address(text)) && !reachable.is_allowed(address(text)), "{text}");
        }
        for text in ["1.1.2.1", "10.2.0.1", "2001:4860:4860::8888"] {
            assert!(reachable.contains(address(text)), "{text}");
        }
    }

    #[test]
    fn public_addresses_of_this_machine_are_reached_only_if_they_are_allowed() {
        let own = |allowed| Reachable { is_own: |own| own == address("1.1.1.1"), ..reachable(allowed, &[]) };
        for text in ["1.1.1.1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"] {
            assert!(!own(&[]).contains(address(text)), "{text}");
            assert!(own(&["1.1.1.1"]).contains(address(text)), "{text}");
        }
        assert!(own(&[]).contains(address("1.1.1.2")));
        assert!(is_own(address("127.0.0.1")));
        assert!(!OF_NOBODY.into_iter().any(is_own));
    }
}
