//! Sentinels and servers that use TLS, and require users and passwords of their own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use redis::InfoDict;
use reqwest::StatusCode;

use crate::sentinel::start;
use crate::sentinel_set::NAME;
use crate::support::{Redis, World, eventually, free_port, scratch};
use crate::tls::Certificates;

/// The user of the servers, and that of the sentinel.
const NODE: [&str; 2] = ["node", "secret-of-servers"];
const WATCHER: [&str; 2] = ["watcher", "secret-of-sentinels"];

/// A server or a sentinel, which lets nobody in without a password, and the port of its TLS.
struct Guarded {
    redis: Redis,
    port: u16,
    login: [&'static str; 2],
}

impl Guarded {
    /// Starts a server, as a replica of the one with TLS on this port.
    fn server(certificates: &Certificates, primary: Option<u16>) -> Self {
        let follow = primary.map(|primary| format!("replicaof 127.0.0.1 {primary}\n")).unwrap_or_default();
        let [user, secret] = NODE;
        let config = format!(
            "{follow}user {user} on >{secret} ~* &* +@all\n\
             masteruser {user}\nmasterauth {secret}\nrepl-diskless-sync-delay 0\n"
        );
        Self::start(certificates, NODE, &config, &[])
    }

    fn sentinel(certificates: &Certificates, primary: u16) -> Self {
        let ([user, secret], [watcher, own]) = (NODE, WATCHER);
        let config = format!(
            "user {watcher} on >{own} &* +@all\n\
             sentinel monitor {NAME} 127.0.0.1 {primary} 1\n\
             sentinel auth-user {NAME} {user}\nsentinel auth-pass {NAME} {secret}\n\
             sentinel down-after-milliseconds {NAME} 1000\nsentinel failover-timeout {NAME} 5000\n"
        );
        Self::start(certificates, WATCHER, &config, &["--sentinel"])
    }

    fn start(certificates: &Certificates, login: [&'static str; 2], config: &str, arguments: &[&str]) -> Self {
        let (port, path) = (free_port(), scratch().join("redis.conf"));
        // The test waits for the answer to a PING without password.
        let config = format!("{config}user default on nopass -@all +ping\ntls-replication yes\n");
        std::fs::write(&path, config).expect("written");
        let tls = certificates.arguments("server", port, "no");
        let mut all = vec![path.to_str().expect("a path")];
        all.extend(tls.iter().map(String::as_str));
        all.extend(arguments);
        Self { redis: Redis::start(&all), port, login }
    }

    fn connection(&self) -> redis::RedisResult<redis::Connection> {
        let [user, secret] = self.login;
        let url = self.redis.url().replace("redis://", &format!("redis://{user}:{secret}@"));
        redis::Client::open(url).and_then(|client| client.get_connection())
    }

    fn has(&self, field: &str, value: &str) -> bool {
        // A replica that is promoted ends its connections.
        let info: redis::RedisResult<InfoDict> =
            self.connection().and_then(|mut connection| redis::cmd("INFO").query(&mut connection));
        info.is_ok_and(|info| info.get::<String>(field).is_some_and(|found| found.contains(value)))
    }

    /// Waits until a replica has what was written. One that is `online` may still get nothing for a second.
    fn replicated(&self) {
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg("last").arg("write").ignore().cmd("WAIT").arg(1).arg(30_000);
        let replicas: [u8; 1] = self.connection().and_then(|mut one| pipeline.query(&mut one)).expect("answered");
        assert_eq!(replicas, [1]);
    }
}

fn secret(folder: &Path, [user, secret]: [&str; 2]) -> PathBuf {
    let path = folder.join(user);
    std::fs::write(&path, secret).expect("written");
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_log_in_over_tls_to_sentinels_and_to_whichever_server_is_the_primary() {
    let (certificates, folder) = (Certificates::make(), scratch());
    let primary = Guarded::server(&certificates, None);
    let replica = Guarded::server(&certificates, Some(primary.port));
    eventually("the replica follows", async || primary.has("slave0", "state=online")).await;
    let sentinel = Guarded::sentinel(&certificates, primary.port);
    eventually("the sentinel knows both", async || {
        let ask = redis::cmd("SENTINEL").arg("MASTER").arg(NAME).to_owned();
        let known: HashMap<String, String> =
            ask.query(&mut sentinel.connection().expect("it answers")).expect("answered");
        known["num-slaves"] == "1" && known["flags"] == "master"
    })
    .await;

    let url = format!("rediss://127.0.0.1:{}", sentinel.port);
    let (servers, sentinels) = (secret(&folder, NODE), secret(&folder, WATCHER));
    let world = World::start_with(1, &url, |config| {
        config.redis.tls_ca = certificates.path("ca.pem");
        (config.redis.username, config.redis.password_file) = (NODE[0].to_owned(), servers.clone());
        (config.redis.sentinel_username, config.redis.sentinel_password_file) = (WATCHER[0].to_owned(), sentinels);
    })
    .await;
    let alice = world.user(0, "alice").await;
    alice.send(0, "global", "before").await;
    primary.replicated();
    redis::cmd("SENTINEL")
        .arg("FAILOVER")
        .arg(NAME)
        .exec(&mut sentinel.connection().expect("it answers"))
        .expect("begun");
    eventually("the replica is promoted", async || replica.has("role", "master")).await;
    eventually("sends work again", async || {
        alice.try_send(0, "global", "after").await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    assert_eq!(alice.texts(0, "").await, ["after", "before"]);
    world.stop().await;

    // The sentinel does not let the user of the servers in.
    let ca = certificates.path("ca.pem");
    let settings = [
        ("CHINWAG_REDIS__URL", url.as_str()),
        ("CHINWAG_REDIS__TLS_CA", ca.to_str().expect("a path")),
        ("CHINWAG_REDIS__SENTINEL_USERNAME", NODE[0]),
        ("CHINWAG_REDIS__SENTINEL_PASSWORD_FILE", servers.to_str().expect("a path")),
    ];
    let (code, errors) = start(&settings);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("refuses the user name or the password"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}
