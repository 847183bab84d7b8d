//! The addresses at which other issuers of tokens publish their keys.

use futures_util::future::join_all;

use super::Finding;
use crate::config::{Config, IssuerConfig};
use crate::service::count_published_keys;

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let published = config.auth.issuers.iter().filter(|issuer| !issuer.jwks_url.is_empty());
    join_all(published.map(keys)).await
}

async fn keys(issuer: &IssuerConfig) -> Finding {
    let IssuerConfig { issuer: name, jwks_url: address, algorithm, .. } = issuer;
    let algorithm = algorithm.algorithm;
    match count_published_keys(issuer).await {
        Ok(0) => Finding::wrong("issuer", format!("{name}: no key at {address} is for {algorithm:?}")),
        Ok(_) if address.starts_with("http://") => {
            let text =
                format!("{name}: keys at {address} are fetched without TLS: whoever is on the way can replace them");
            Finding::doubtful("issuer", text)
        }
        Ok(count) => Finding::good("issuer", format!("{name}: {count} keys for {algorithm:?} at {address}")),
        Err(reason) => Finding::wrong("issuer", format!("{name}: cannot fetch the keys at {address}: {reason}")),
    }
}
