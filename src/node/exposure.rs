//! What an operator should know about a node that other machines can reach: one line of the log each.

use std::net::SocketAddr;

use tracing::warn;

use crate::config::{Config, IpVisibility, Registration};

/// Whether it applies, and what is said then.
type Finding = (fn(&Config) -> bool, &'static str);

const FINDINGS: [Finding; 7] = [
    (
        |config| config.server.trusted_proxies.is_empty(),
        "no proxy is trusted: behind one, all clients have its address; without one, passwords and tokens travel without \
         TLS (server.trusted_proxies)",
    ),
    (
        |config| config.server.trusted_proxies.iter().any(|network| network.is_wide()),
        "a trusted network is wide: every machine in it may invent the addresses of clients; name the proxies' own \
         addresses (server.trusted_proxies)",
    ),
    (
        |config| config.server.public_url.starts_with("http://"),
        "passwords and tokens travel without TLS (server.public_url)",
    ),
    (|config| config.auth.registration == Registration::Open, "everyone may register (auth.registration)"),
    (
        |config| config.privacy.ip_visibility == IpVisibility::Everyone,
        "every user sees the addresses of the others (privacy.ip_visibility)",
    ),
    (
        |config| config.server.metrics_address.is_empty(),
        "/metrics is served to everyone who reaches this address, unless a proxy refuses it (server.metrics_address)",
    ),
    (|config| !config.limits.enabled, "limits are off: one client may use up the node (limits.enabled)"),
];

/// Warns of settings that matter once other machines reach a node.
pub(super) fn warn_if_exposed(config: &Config, address: SocketAddr) {
    for finding in findings(config, address) {
        warn!(%address, "open to the network: {finding}");
    }
}

fn findings(config: &Config, address: SocketAddr) -> Vec<&'static str> {
    if address.ip().to_canonical().is_loopback() {
        return Vec::new();
    }
    FINDINGS.iter().filter(|(applies, _)| applies(config)).map(|(_, text)| *text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a careful configuration careless.
    type Change = fn(&mut Config);

    const PUBLIC: &str = "192.0.2.1:8000";

    fn found(config: &Config, address: &str) -> Vec<&'static str> {
        findings(config, address.parse().expect("an address"))
    }

    fn careful() -> Config {
        let mut config = Config::defaults();
        config.server.trusted_proxies = vec!["192.0.2.9".parse().expect("an address")];
        config.server.public_url = "https://chat.example.org".to_owned();
        config.server.metrics_address = "127.0.0.1:9100".to_owned();
        config.auth.registration = Registration::Invite;
        config.privacy.ip_visibility = IpVisibility::Admins;
        config
    }

    #[test]
    fn each_careless_setting_is_named_once() {
        assert_eq!(found(&careful(), PUBLIC), [""; 0]);
        let rows: [(&str, Change); FINDINGS.len()] = [
            ("server.trusted_proxies", |config| config.server.trusted_proxies.clear()),
            ("server.trusted_proxies", |config| {
                config.server.trusted_proxies.push("10.0.0.0/8".parse().expect("a network"));
            }),
            ("server.public_url", |config| config.server.public_url = "http://chat.example.org".to_owned()),
            ("auth.registration", |config| config.auth.registration = Registration::Open),
            ("privacy.ip_visibility", |config| config.privacy.ip_visibility = IpVisibility::Everyone),
            ("server.metrics_address", |config| config.server.metrics_address.clear()),
            ("limits.enabled", |config| config.limits.enabled = false),
        ];
        for ((setting, change), (_, text)) in rows.iter().zip(FINDINGS) {
            let mut config = careful();
            change(&mut config);
            assert_eq!(found(&config, PUBLIC), [text], "{setting}");
            assert!(text.contains(setting) && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn only_a_node_that_others_reach_is_warned_of() {
        for address in [PUBLIC, "0.0.0.0:8000", "[::]:8000", "10.0.0.1:8000", "[2001:db8::1]:8000"] {
            assert!(!found(&Config::defaults(), address).is_empty(), "{address}");
        }
        for address in ["127.0.0.1:8000", "127.0.0.2:8000", "[::1]:8000", "[::ffff:127.0.0.1]:8000"] {
            assert!(found(&Config::defaults(), address).is_empty(), "{address}");
        }
    }
}
