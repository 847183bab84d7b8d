//! Where a request comes from.

use std::net::IpAddr;

/// Longest user agent that is kept, in characters; longer ones are cut.
const MAX_USER_AGENT_CHARS: usize = 512;

/// The client's address (behind trusted proxies: the address they report) and user agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Address of the client, never of a trusted proxy.
    pub ip: IpAddr,
    /// The `User-Agent` header, cut to a bounded length; empty when absent.
    pub user_agent: String,
}

impl Client {
    /// A client with its user agent cut to the longest that is kept.
    pub fn new(ip: IpAddr, user_agent: &str) -> Self {
        Self { ip: ip.to_canonical(), user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect() }
    }
}
