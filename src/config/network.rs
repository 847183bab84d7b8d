//! Networks in settings.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Prefix lengths of networks that usually contain machines of one owner only.
const NARROW_V4: u8 = 24;
const NARROW_V6: u8 = 64;
/// Length of the prefix of IPv4-mapped IPv6 addresses.
const MAPPED_PREFIX: u8 = 96;

/// An IP address, or a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether the network contains an address. An IPv4-mapped IPv6 address counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether the network has room for more than a few machines.
    pub fn is_wide(&self) -> bool {
        match self.0 {
            IpNet::V4(network) => network.prefix_len() < NARROW_V4,
            IpNet::V6(network) => network.prefix_len() < NARROW_V6,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(canonical).map(Self).map_err(|_| format!("{text:?} is not an address or network"))
    }
}

/// Makes a network of IPv4-mapped IPv6 addresses one of IPv4 addresses, as [`Network::contains`] compares them.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let prefix = mapped.prefix_len().checked_sub(MAPPED_PREFIX);
    let v4 =
        mapped.addr().to_ipv4_mapped().zip(prefix).and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_only_its_own_addresses() {
        let network: Network = "10.1.0.0/16".parse().expect("a network");
        assert!(network.contains("10.1.2.3".parse().expect("an address")));
        assert!(network.contains("::ffff:10.1.2.3".parse().expect("an address")));
        assert!(!network.contains("10.2.0.1".parse().expect("an address")));
        let one: Network = "2001:db8::1".parse().expect("an address");
        assert!(one.contains("2001:db8::1".parse().expect("an address")));
        assert!(!one.contains("2001:db8::2".parse().expect("an address")));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
    }

    #[test]
    fn mapped_networks_are_those_of_ipv4() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().expect("a network").contains(address.parse().expect("an address"))
        };
        for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
            assert!(contains("::ffff:10.1.0.0/112", address));
            assert!(contains("::ffff:10.1.2.3", address));
            assert!(!contains("::ffff:10.2.0.0/112", address));
            assert!(!contains("2001:db8::/32", address));
        }
    }

    #[test]
    fn wide_networks_are_told_from_narrow_ones() {
        let is_wide = |network: &str| network.parse::<Network>().expect("a network").is_wide();
        for network in
            ["10.0.0.0/8", "172.16.0.0/12", "0.0.0.0/0", "192.168.0.0/23", "2001:db8::/56", "::ffff:10.0.0.0/104"]
        {
            assert!(is_wide(network), "{network}");
        }
        for network in ["10.0.0.1", "192.168.1.0/24", "2001:db8::1", "2001:db8::/64", "::ffff:10.0.0.1"] {
            assert!(!is_wide(network), "{network}");
        }
    }
}
