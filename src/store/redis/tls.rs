//! TLS with Redis: the certificates that the settings name, read at each connect because they are renewed.

use std::path::Path;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};
use tracing::debug;

use super::unusable::unusable;
use crate::config::RedisConfig;
use crate::domain::Result;

/// Chooses the cryptography for all TLS connections of the process. The client library chooses none and would panic.
pub(in crate::store) fn install_provider() {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        debug!("a provider of cryptography is installed already");
    }
}

/// Adds the certificates of the settings to an address with TLS. Leaves other addresses as they are.
///
/// # Errors
/// `Unusable` when a file cannot be read or holds no certificate.
pub(in crate::store) async fn with_certificates(info: ConnectionInfo, config: &RedisConfig) -> Result<ConnectionInfo> {
    let names_files = !config.tls_ca.as_os_str().is_empty() || !config.tls_cert.as_os_str().is_empty();
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) || !names_files {
        return Ok(info);
    }
    let root_cert = read("redis.tls_ca", &config.tls_ca, "CERTIFICATE").await?;
    let cert = read("redis.tls_cert", &config.tls_cert, "CERTIFICATE").await?;
    let key = read("redis.tls_key", &config.tls_key, "PRIVATE KEY").await?;
    let client_tls = cert.zip(key).map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
    let client = Client::build_with_tls(info, TlsCertificates { client_tls, root_cert });
    let client = client.map_err(|error| unusable(format!("the certificates of redis.tls_…: {error}")))?;
    Ok(client.get_connection_info().clone())
}

/// Reads a PEM file. `None` when the setting is empty.
async fn read(setting: &str, path: &Path, what: &str) -> Result<Option<Vec<u8>>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let pem = tokio::fs::read(path).await;
    let pem = pem.map_err(|error| unusable(format!("{setting}, {}: {error}", path.display())))?;
    // The client library takes a file without certificates for an empty list, which trusts nobody.
    let mark = format!("{what}-----");
    if !pem.windows(mark.len()).any(|window| window == mark.as_bytes()) {
        return Err(unusable(format!("{setting}, {}: holds no {} in PEM format", path.display(), what.to_lowercase())));
    }
    Ok(Some(pem))
}
