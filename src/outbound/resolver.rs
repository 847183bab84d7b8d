//! A DNS resolver that returns only addresses that requests may reach.

use std::error::Error;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::networks::Reachable;

/// No address of a host may be reached.
#[derive(Debug, thiserror::Error)]
#[error("no address of the host may be reached")]
pub(super) struct Closed;

/// The system's resolver with a filter. Connections are opened to the addresses that were checked, so DNS rebinding
/// does not help.
pub(super) struct CheckedResolver(pub(super) Reachable);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reachable = self.0.clone();
        Box::pin(async move { reachable_addresses(&reachable, name.as_str()).await })
    }
}

/// The library replaces the port.
async fn reachable_addresses(reachable: &Reachable, host: &str) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
    let found = lookup_host((host, 0)).await?;
    let allowed: Vec<SocketAddr> = found.filter(|address| reachable.contains(address.ip())).collect();
    if allowed.is_empty() {
        return Err(Closed.into());
    }
    Ok(Box::new(allowed.into_iter()))
}
