//! The number of connections of each address on this node.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::config::Network;
use crate::domain::counted_address;
use crate::service::Limits;

/// Counts the connections of each address, and refuses those beyond a cap. Shared by the workers. WebSockets have a cap of
/// their own: they are counted here only until their handshake is done.
pub struct AddressCap {
    open: Mutex<HashMap<IpAddr, u32>>,
    limits: Arc<Limits>,
    /// Proxies: their connections are those of all their clients.
    exempt: Vec<Network>,
}

impl AddressCap {
    /// Starts with no connections.
    pub fn new(limits: &Arc<Limits>, proxies: &[Network]) -> Self {
        Self { open: Mutex::default(), limits: Arc::clone(limits), exempt: proxies.to_vec() }
    }

    /// Counts a connection until the permit is dropped. `None` when the address has too many.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<AddressPermit> {
        let is_exempt = self.exempt.iter().any(|network| network.contains(peer));
        let Some(caps) = self.limits.caps().filter(|_| !is_exempt) else { return Some(AddressPermit(None)) };
        let address = counted_address(peer);
        let mut open = self.open.lock().expect("no panic while held");
        let count = open.entry(address).or_default();
        if *count >= caps.connections_of_address {
            return None;
        }
        *count += 1;
        Some(AddressPermit(Some((Arc::clone(self), address))))
    }
}

/// Counts one connection until it is dropped.
pub struct AddressPermit(Option<(Arc<AddressCap>, IpAddr)>);

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let Some((cap, address)) = &self.0 else { return };
        let mut open = cap.open.lock().expect("no panic while held");
        if let Some(count) = open.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                open.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn cap(change: impl FnOnce(&mut Config)) -> Arc<AddressCap> {
        let mut config = Config::defaults();
        config.limits.connections_per_address = 2;
        change(&mut config);
        Arc::new(AddressCap::new(&Arc::new(Limits::new(&config.limits)), &config.server.trusted_proxies))
    }

    fn enter(cap: &Arc<AddressCap>, peer: &str) -> Option<AddressPermit> {
        cap.enter(peer.parse().expect("an address"))
    }

    #[test]
    fn connections_of_one_network_count_together() {
        let cap = cap(|_| {});
        for [first, second, third, other] in [
            ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"],
            ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3", "2001:db8:0:2::1"],
        ] {
            let open = [enter(&cap, first), enter(&cap, second)];
            assert!(open.iter().all(Option::is_some));
            assert!(enter(&cap, third).is_none());
            assert!(enter(&cap, other).is_some());
            drop(open);
            assert!(enter(&cap, third).is_some());
        }
        assert!(cap.open.lock().expect("no panic").is_empty());
    }

    #[test]
    fn proxies_are_exempt() {
        let proxy = "192.0.2.1".parse().expect("an address");
        for cap in
            [cap(|config| config.server.trusted_proxies = vec![proxy]), cap(|config| config.limits.enabled = false)]
        {
            let open: Vec<_> = (0..9).map(|_| enter(&cap, "192.0.2.1")).collect();
            assert!(open.iter().all(Option::is_some));
        }
    }
}
