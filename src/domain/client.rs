//! Origin of a request.

use std::net::IpAddr;

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
    /// Makes a client, truncating a long user agent.
    pub fn new(ip: IpAddr, user_agent: &str) -> Self {
        Self { ip: ip.to_canonical(), user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect() }
    }
}
