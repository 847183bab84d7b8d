//! The only client for requests to URLs that users or operators enter.
//!
//! Those of users reach public addresses, and networks that the settings allow. Requests follow no redirects, use no proxy, and
//! are bounded in time and response size.

mod networks;
mod resolver;

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, Response, redirect};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use self::networks::Reachable;
use self::resolver::{CheckedResolver, Closed};
use crate::config::OutboundConfig;
use crate::domain::{Endpoint, Error, Result};

/// Maximum bytes of a response body that are read.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Connecting may take half of the whole time.
const CONNECT_PART: u32 = 2;
const IDLE_CONNECTIONS_PER_HOST: usize = 4;
const IDLE: Duration = Duration::from_secs(30);

/// Why a request got no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The settings do not allow the address.
    #[error("the address may not be reached")]
    Closed,
    /// The request timed out.
    #[error("no answer in time")]
    Timeout,
    /// DNS, connection, TLS or HTTP failed.
    #[error("{0}")]
    Unreachable(String),
}

/// A server's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, redirects included.
    pub status: u16,
    /// Seconds of the header `Retry-After`; `None` when it has a date or is missing.
    pub retry_after: Option<Duration>,
    /// The beginning of the body; of a `POST`'s answer [`MAX_ANSWER_BYTES`].
    pub body: Bytes,
}

/// Sends requests. Clones share connections, which live on the runtime of their first request.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    reachable: Reachable,
}

impl Outbound {
    /// Reads the certificates of the system.
    ///
    /// # Errors
    /// `Internal` when the library cannot be set up.
    pub fn new(config: &OutboundConfig) -> Result<Self> {
        let reachable = Reachable::new(config);
        let timeout = Duration::from_secs(config.timeout_secs);
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .dns_resolver(CheckedResolver::new(reachable.clone()))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Chinwag/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout / CONNECT_PART)
            .timeout(timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
            .pool_idle_timeout(IDLE)
            .build();
        Ok(Self { client: client.map_err(Error::internal)?, reachable })
    }

    /// For addresses that only operators enter: in any network, also this machine's.
    ///
    /// # Errors
    /// `Internal` when the library cannot be set up.
    pub fn of_operator(timeout_secs: u64) -> Result<Self> {
        let everywhere = ["0.0.0.0/0", "::/0"].map(str::parse);
        let allowed_networks =
            everywhere.into_iter().collect::<std::result::Result<_, _>>().map_err(Error::internal)?;
        Self::new(&OutboundConfig { allowed_networks, refused_networks: Vec::new(), timeout_secs })
    }

    /// Whether a URL may be requested. The addresses of a host name are checked when connecting.
    pub fn may_reach(&self, endpoint: &Endpoint) -> bool {
        // The library does not ask the resolver for these.
        endpoint.literal_address().is_none_or(|address| self.reachable.contains(address))
    }

    /// Whether a URL's host is an IP address in one of the networks that the settings allow.
    pub fn is_in_allowed_network(&self, endpoint: &Endpoint) -> bool {
        endpoint.literal_address().is_some_and(|address| self.reachable.is_allowed(address))
    }

    /// Sends a `POST` with these headers.
    ///
    /// # Errors
    /// When there is no response; a response with any status is a success. The other server may have received the
    /// request even on an error.
    pub async fn post(
        &self,
        endpoint: &Endpoint,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> std::result::Result<Answer, Failure> {
        if !self.may_reach(endpoint) {
            return Err(Failure::Closed);
        }
        let request = self.client.post(endpoint.as_str()).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(request, MAX_ANSWER_BYTES).await
    }

    /// Reads the first `max_bytes` at an address.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn get(&self, endpoint: &Endpoint, max_bytes: usize) -> std::result::Result<Answer, Failure> {
        if !self.may_reach(endpoint) {
            return Err(Failure::Closed);
        }
        answer(self.client.get(endpoint.as_str()), max_bytes).await
    }
}

/// The algorithms of the rest of the server, and the certificates that the system trusts. Without any, requests with
/// encryption fail, and nothing else does.
fn tls() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (known, _) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        warn!("the system has no CA certificates: https addresses cannot be reached");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(Error::internal)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

async fn answer(request: RequestBuilder, max_bytes: usize) -> std::result::Result<Answer, Failure> {
    let response = request.send().await.map_err(|error| Failure::from(&error))?;
    read(response, max_bytes).await.map_err(|error| Failure::from(&error))
}

async fn read(mut response: Response, max_bytes: usize) -> reqwest::Result<Answer> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    while body.len() < max_bytes
        && let Some(chunk) = response.chunk().await?
    {
        let missing = max_bytes - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(missing)]);
    }
    Ok(Answer { status, retry_after: retry_after.map(Duration::from_secs), body: body.into() })
}

impl Failure {
    /// What those may read who have named the address: the same whether a name exists, a machine, or a service on it. Otherwise
    /// they could ask what there is in the network of the node.
    pub const SHOWN: &str = "the address cannot be reached, or does not answer in time";
}

impl From<&reqwest::Error> for Failure {
    fn from(error: &reqwest::Error) -> Self {
        let mut cause: &dyn StdError = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        if cause.is::<Closed>() {
            return Self::Closed;
        }
        if error.is_timeout() {
            return Self::Timeout;
        }
        Self::Unreachable(cause.to_string())
    }
}

#[cfg(test)]
mod tests;
