//! Addresses of Redis, with what it takes to connect to them.

use std::path::Path;
use std::time::Duration;

use redis::{ConnectionInfo, ProtocolVersion, RedisConnectionInfo};

use super::tls;
use super::unusable::unusable;
use crate::config::RedisConfig;
use crate::domain::Result;

/// Time after which the kernel gives up unacknowledged bytes: the response timeout of requests.
pub(in crate::store) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1200);

/// Adds the login and the certificates of the settings to an address.
pub(super) async fn ready_to_connect(info: ConnectionInfo, config: &RedisConfig) -> Result<ConnectionInfo> {
    let own = info.redis_settings().clone();
    let info = info.set_redis_settings(login(own, &config.username, &config.password_file).await?);
    tls::with_certificates(info, config).await
}

/// Adds user and password, where the settings name them, to those of an address.
pub(super) async fn login(
    of_address: RedisConnectionInfo,
    user: &str,
    password_file: &Path,
) -> Result<RedisConnectionInfo> {
    let mut login = of_address;
    if !user.is_empty() {
        login = login.set_username(user);
    }
    if password_file.as_os_str().is_empty() {
        return Ok(login);
    }
    let password = tokio::fs::read_to_string(password_file).await;
    let password =
        password.map_err(|error| unusable(format!("the password file {}: {error}", password_file.display())))?;
    Ok(login.set_password(password.trim_end_matches(['\r', '\n'])))
}

/// Sets RESP3, which reports a lost connection at once, and no Nagle delay. The name of the client library is not sent,
/// because the user of Redis may lack the right to `CLIENT`.
pub(super) fn tuned(info: ConnectionInfo) -> ConnectionInfo {
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    let tcp = info
        .tcp_settings()
        .clone()
        .set_nodelay(true)
        .set_user_timeout(RESPONSE_TIMEOUT)
        .set_keepalive(socket2::TcpKeepalive::new().with_time(Duration::from_secs(10)));
    info.set_redis_settings(redis).set_tcp_settings(tcp)
}
