//! What an operator should know about a node, above all about one that other machines can reach: one line of the log each.

use std::net::{IpAddr, SocketAddr};

use tracing::warn;

use crate::config::{Config, IpVisibility, Registration};

/// What findings are about.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    config: &'a Config,
    /// Whether something limits the memory of Redis.
    is_memory_limited: bool,
}

/// Whether it applies, and what is said then.
pub(super) type Finding = (fn(Setting<'_>) -> bool, &'static str);

/// The check result that also matters where no other machine reaches the node.
pub(super) const UNLIMITED_MEMORY: Finding = (
    |setting| !setting.is_memory_limited,
    "Redis has no maxmemory: it can use up the memory of its machine, and is then killed",
);

const FINDINGS: [Finding; 8] = [
    (
        |it| it.config.server.trusted_proxies.is_empty(),
        "no proxy is trusted: behind one, all clients have its address; without one, passwords and tokens travel without \
         TLS (server.trusted_proxies)",
    ),
    (
        |it| it.config.server.trusted_proxies.iter().any(|network| network.is_wide()),
        "a trusted network is wide: every machine in it can forge the addresses of clients; list the proxies' own \
         addresses (server.trusted_proxies)",
    ),
    (
        |it| it.config.server.public_url.starts_with("http://"),
        "passwords and tokens travel without TLS (server.public_url)",
    ),
    (|it| it.config.auth.registration == Registration::Open, "everyone may register (auth.registration)"),
    (
        |it| it.config.privacy.ip_visibility == IpVisibility::Everyone,
        "every user sees the addresses of the others (privacy.ip_visibility)",
    ),
    (
        |it| it.config.server.metrics_address.is_empty(),
        "/metrics is open to everyone who reaches this address, unless a proxy blocks it (server.metrics_address)",
    ),
    (|it| !it.config.limits.enabled, "limits are off: one client can overload the node (limits.enabled)"),
    UNLIMITED_MEMORY,
];

/// Warns of settings that matter once other machines reach a node, and in any case of a Redis without `maxmemory`.
pub(super) fn warn_of_risks(config: &Config, address: SocketAddr, is_memory_limited: bool) {
    let is_reached = is_reached(address);
    for finding in findings(Setting { config, is_memory_limited }, is_reached) {
        match is_reached {
            true => warn!(%address, "open to the network: {finding}"),
            false => warn!("{finding}"),
        }
    }
}

/// The risky settings of a node that other machines can reach.
pub(super) fn careless(config: &Config) -> Vec<&'static str> {
    let host = &config.server.host;
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|host| host.to_canonical().is_loopback());
    if is_local { Vec::new() } else { findings(Setting { config, is_memory_limited: true }, true) }
}

/// Whether other machines can reach an address.
fn is_reached(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

fn findings(setting: Setting<'_>, is_reached: bool) -> Vec<&'static str> {
    let among = if is_reached { FINDINGS.as_slice() } else { &[UNLIMITED_MEMORY] };
    among.iter().filter(|(applies, _)| applies(setting)).map(|(_, text)| *text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a safe configuration risky.
    type Change = fn(&mut Config);

    const PUBLIC: &str = "192.0.2.1:8000";

    fn found(config: &Config, is_memory_limited: bool, address: &str) -> Vec<&'static str> {
        findings(Setting { config, is_memory_limited }, is_reached(address.parse().expect("an address")))
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
        assert_eq!(found(&careful(), true, PUBLIC), [""; 0]);
        assert_eq!(found(&careful(), false, PUBLIC), [UNLIMITED_MEMORY.1]);
        let rows: [(&str, Change); FINDINGS.len() - 1] = [
            ("server.trusted_proxies", |it| it.server.trusted_proxies.clear()),
            ("server.trusted_proxies", |config| {
                config.server.trusted_proxies.push("10.0.0.0/8".parse().expect("a network"));
            }),
            ("server.public_url", |it| it.server.public_url = "http://chat.example.org".to_owned()),
            ("auth.registration", |it| it.auth.registration = Registration::Open),
            ("privacy.ip_visibility", |it| it.privacy.ip_visibility = IpVisibility::Everyone),
            ("server.metrics_address", |it| it.server.metrics_address.clear()),
            ("limits.enabled", |it| it.limits.enabled = false),
        ];
        for ((setting, change), (_, text)) in rows.iter().zip(FINDINGS) {
            let mut config = careful();
            change(&mut config);
            assert_eq!(found(&config, true, PUBLIC), [text], "{setting}");
            assert!(text.contains(setting) && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn only_of_its_redis_is_a_node_warned_that_others_do_not_reach() {
        for address in [PUBLIC, "0.0.0.0:8000", "[::]:8000", "10.0.0.1:8000", "[2001:db8::1]:8000"] {
            assert!(found(&Config::defaults(), false, address).len() > 1, "{address}");
        }
        for address in ["127.0.0.1:8000", "127.0.0.2:8000", "[::1]:8000", "[::ffff:127.0.0.1]:8000"] {
            assert_eq!(found(&Config::defaults(), true, address), [""; 0], "{address}");
            assert_eq!(found(&Config::defaults(), false, address), [UNLIMITED_MEMORY.1], "{address}");
        }
    }
}
