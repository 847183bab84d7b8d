//! `chinwag check`: each check result, provoked by a Redis, a machine or a proxy with that fault.

use std::process::Command;

use chinwag::config::Config;
use chinwag::node::{self, Finding, Verdict};

use crate::check::proxy::{Proxy, Way};
use crate::process::external;
use crate::rights::{documented_rights, login, without};
use crate::support::{Redis, World, scratch, shared_redis, unique, with_password};

mod proxy;

/// Settings of a node that lacks nothing, on this Redis.
fn settings(redis: &str) -> Config {
    let mut config = Config::defaults();
    config.redis.url = redis.to_owned();
    config.redis.prefix = format!("{}:", unique("check"));
    config.auth.jwt_secret = "a secret for tests, long enough".repeat(2).into();
    config.data.dir = scratch();
    config.uploads.reserve_bytes = 0;
    config
}

/// What is found about something.
async fn about(config: &Config, about: &str) -> Finding {
    let findings = node::check(config).await;
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
    let found: Vec<Finding> = findings.into_iter().filter(|finding| finding.about == about).collect();
    assert_eq!(found.len(), 1, "{about}: {lines:?}");
    found.into_iter().next().expect("one")
}

/// Asserts a finding, whose text has this part.
async fn finds(config: &Config, subject: &str, verdict: Verdict, part: &str) {
    let found = about(config, subject).await;
    assert!(found.verdict == verdict && found.text.contains(part), "not {part:?}: {found}");
}

#[tokio::test]
async fn a_node_that_has_everything_has_only_good_findings() {
    let folder = scratch();
    let folder = folder.to_str().expect("text");
    let redis = Redis::start(&["--maxmemory", "256mb", "--appendonly", "yes", "--dir", folder]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let mut config = settings(&redis.url());
    config.server.port = 0;
    config.server.public_url = world.url(0, "");
    let findings = node::check(&config).await;
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Good), "{lines:#?}");
    let subjects: Vec<&str> = findings.iter().map(|finding| finding.about).collect();
    let expected = [
        "configuration",
        "address",
        "secret",
        "uploads",
        "disk",
        "redis",
        "redis persistence",
        "redis memory",
        "redis rights",
        "redis webhooks",
        "redis clock",
        "other nodes",
        "proxy address",
        "proxy WebSockets",
        "proxy bodies",
    ];
    assert_eq!(subjects, expected, "{lines:#?}");
    let left: Vec<String> =
        redis::cmd("KEYS").arg(format!("{}*", config.redis.prefix)).query(&mut redis.connection()).expect("keys");
    assert_eq!(left, Vec::<String>::new(), "the check changes nothing");
    world.stop().await;
}

#[tokio::test]
async fn a_redis_that_cannot_be_used_is_wrong_at_once() {
    finds(&settings("redis://127.0.0.1:1"), "redis", Verdict::Wrong, "127.0.0.1:1").await;
    let redis = with_password("secret");
    let wrong = settings(&redis.url().replacen("://", "://:hidden@", 1));
    finds(&wrong, "redis", Verdict::Wrong, "refuses the user name or the password").await;
    assert!(!about(&wrong, "redis").await.text.contains("hidden"));
    let redis = Redis::start(&["--maxmemory-policy", "allkeys-lru"]);
    finds(&settings(&redis.url()), "redis", Verdict::Wrong, "maxmemory-policy is allkeys-lru").await;
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &redis.port().to_string()]);
    finds(&settings(&replica.url()), "redis", Verdict::Wrong, "replica").await;
}

#[tokio::test]
async fn a_redis_that_may_lose_or_refuse_messages_is_named() {
    let redis = Redis::start(&[]);
    let config = settings(&redis.url());
    finds(&config, "redis", Verdict::Good, "version ").await;
    finds(&config, "redis persistence", Verdict::Doubtful, "in memory only").await;
    finds(&config, "redis memory", Verdict::Doubtful, "no maxmemory").await;
    let set = |name: &str, value: &str| {
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec(&mut redis.connection()).expect("set");
    };
    set("save", "60 1");
    finds(&config, "redis persistence", Verdict::Good, "on disk").await;
    set("maxmemory", "100mb");
    finds(&config, "redis memory", Verdict::Good, "of 100 MiB").await;
    redis::cmd("SET").arg("fill").arg(vec![b'x'; 10 << 20]).exec(&mut redis.connection()).expect("set");
    set("maxmemory", "11mb");
    finds(&config, "redis memory", Verdict::Wrong, "are refused").await;
}

#[tokio::test]
async fn every_missing_right_is_named() {
    let redis = Redis::start(&[]);
    let with = |rights: &[String]| {
        redis::cmd("ACL").arg("DELUSER").arg("chinwag").exec(&mut redis.connection()).expect("deleted");
        let mut config = settings(&login(&redis, rights));
        config.redis.prefix = "cw:".to_owned();
        config
    };
    for about in ["redis rights", "redis webhooks"] {
        finds(&with(&documented_rights()), about, Verdict::Good, "").await;
    }
    for missing in [&["+xtrim"][..], &["+get", "+zmscore", "+unlink"], &["+evalsha"]] {
        let config = with(&without(missing));
        for right in missing {
            finds(&config, "redis rights", Verdict::Wrong, &right[1..]).await;
        }
    }
    for (right, command) in
        [("+xpending", "xpending"), ("+xgroup|destroy", "xgroup destroy"), ("+xinfo|groups", "xinfo")]
    {
        finds(&with(&without(&[right])), "redis webhooks", Verdict::Doubtful, command).await;
    }
    finds(&with(&without(&["+publish"])), "redis", Verdict::Wrong, "publish").await;
    finds(&with(&without(&["+info"])), "redis", Verdict::Doubtful, "INFO").await;
    finds(&with(&without(&["+config|get"])), "redis persistence", Verdict::Doubtful, "cannot find out").await;
}

#[tokio::test]
async fn a_machine_that_lacks_something_is_named() {
    let mut config = settings(shared_redis());
    finds(&config, "uploads", Verdict::Good, "the first start creates it").await;
    let folder = config.data.dir.join("uploads");
    std::fs::create_dir(&folder).expect("created");
    finds(&config, "uploads", Verdict::Good, "is writable").await;
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0, "the check leaves nothing");
    let file = config.data.dir.join("file");
    std::fs::write(&file, "").expect("written");
    for (path, part) in [(file.clone(), "cannot write to"), (file.join("below"), "is not a folder")] {
        config.uploads.url = format!("file://{}", path.display());
        finds(&config, "uploads", Verdict::Wrong, part).await;
    }
    config.uploads.url = "file:///proc/self".to_owned();
    finds(&config, "uploads", Verdict::Wrong, "cannot write to").await;
    config.uploads.url.clear();
    finds(&config, "disk", Verdict::Good, "MiB are free").await;
    config.uploads.reserve_bytes = u64::MAX / 2;
    finds(&config, "disk", Verdict::Wrong, "uploads are refused").await;
    config.log.filter = "a=b=c".to_owned();
    finds(&config, "configuration", Verdict::Wrong, "log.filter").await;
}

#[tokio::test]
async fn an_address_at_which_no_node_can_listen_is_named() {
    let world = World::start(1).await;
    let mut config = settings(shared_redis());
    config.server.port = world.nodes[0].address().port();
    finds(&config, "address", Verdict::Good, "in use").await;
    config.server.port = 0;
    finds(&config, "address", Verdict::Good, "free").await;
    for host in ["no-such-host.invalid", "192.0.2.1", ""] {
        config.server.host = host.to_owned();
        finds(&config, "address", Verdict::Wrong, "server.host").await;
    }
    world.stop().await;
}

#[tokio::test]
async fn another_secret_or_uploads_folder_than_the_running_nodes_have_is_named() {
    let world = World::start_with(1, shared_redis(), |config| config.stats.report_ms = 100).await;
    let mut config = world.config.clone();
    config.uploads.reserve_bytes = 0;
    finds(&config, "other nodes", Verdict::Good, "1 running").await;
    let node = world.nodes[0].id();
    let former = config.auth.jwt_secret.clone();
    config.auth.jwt_secret = "another secret, long enough for it".into();
    finds(&config, "other nodes", Verdict::Wrong, &format!("auth.jwt_secret differs from that of node {node}")).await;
    config.auth.jwt_secret_previous = former.clone();
    finds(&config, "other nodes", Verdict::Doubtful, "refuses the tokens of this node").await;
    config.auth.jwt_secret = former;
    config.data.dir = scratch();
    finds(&config, "other nodes", Verdict::Wrong, "uploads.url").await;
    assert_eq!(std::fs::read_dir(&config.data.dir).expect("a folder").count(), 0, "the check changes nothing");
    config.redis.prefix = format!("{}:", unique("check"));
    finds(&config, "other nodes", Verdict::Good, "none runs").await;
    world.stop().await;
}

#[tokio::test]
async fn the_secret_of_a_private_redis_is_looked_at_and_not_made() {
    let mut config = settings("");
    config.auth.jwt_secret = String::new().into();
    finds(&config, "secret", Verdict::Good, "the first start creates one").await;
    finds(&config, "redis", Verdict::Good, "for itself").await;
    assert_eq!(std::fs::read_dir(&config.data.dir).expect("a folder").count(), 0);
    let file = config.data.dir.join("jwt_secret");
    std::fs::write(&file, "short").expect("written");
    finds(&config, "secret", Verdict::Wrong, "less than 32 bytes").await;
    std::fs::write(&file, node::new_secret()).expect("written");
    finds(&config, "secret", Verdict::Good, "kept in").await;
}

#[tokio::test]
async fn settings_that_open_a_node_carelessly_are_doubtful() {
    let mut config = settings(shared_redis());
    config.server.host = "0.0.0.0".to_owned();
    let findings = node::check(&config).await;
    let is_of = |finding: &&Finding| finding.text.contains("(auth.registration)");
    assert_eq!(findings.iter().find(is_of).map(|finding| finding.verdict), Some(Verdict::Doubtful));
}

#[tokio::test]
async fn what_a_proxy_does_to_requests_is_seen() {
    let trusting = World::start_with(1, shared_redis(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    let strict = World::start(1).await;
    let mut config = settings(shared_redis());
    finds(&config, "proxy", Verdict::Doubtful, "server.public_url").await;
    config.server.public_url = "http://127.0.0.1:1".to_owned();
    finds(&config, "proxy", Verdict::Wrong, "refused").await;
    let rows = [
        (&trusting, Way::Appends, "proxy address", Verdict::Good, "through a trusted proxy"),
        (&trusting, Way::Replaces, "proxy address", Verdict::Good, "through a trusted proxy"),
        (&trusting, Way::PassesOn, "proxy address", Verdict::Wrong, "forge"),
        (&trusting, Way::Drops, "proxy address", Verdict::Wrong, "must send X-Forwarded-For"),
        (&strict, Way::Appends, "proxy address", Verdict::Wrong, "server.trusted_proxies"),
        (&strict, Way::Drops, "proxy address", Verdict::Wrong, "server.trusted_proxies"),
        (&strict, Way::PassesOn, "proxy address", Verdict::Good, "from no proxy"),
        (&trusting, Way::Appends, "proxy WebSockets", Verdict::Good, "arrives"),
        (&trusting, Way::EndsUpgrades, "proxy WebSockets", Verdict::Wrong, "Upgrade"),
        (&trusting, Way::Appends, "proxy bodies", Verdict::Good, "10 MiB"),
        (&trusting, Way::LimitsBodies, "proxy bodies", Verdict::Wrong, "413"),
        (&trusting, Way::AnswersItself, "proxy", Verdict::Wrong, "not by a node"),
    ];
    for (world, way, subject, verdict, part) in rows {
        let proxy = Proxy::start(world.nodes[0].address(), way).await;
        config.server.public_url = proxy.url();
        finds(&config, subject, verdict, part).await;
    }
    trusting.stop().await;
    strict.stop().await;
}

#[test]
fn the_command_prints_a_line_a_finding_and_fails_when_one_is_wrong() {
    let folder = scratch();
    let run = |environment: &[(&str, String)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
        command.arg("check").current_dir(&folder).envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        let output = command.output().expect("the binary runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_UPLOADS__RESERVE_BYTES", "0".to_owned()));
    let (code, lines) = run(&environment);
    assert_eq!(code, Some(0), "{lines}");
    assert!(lines.lines().all(|line| line.starts_with("ok    ") || line.starts_with("warn  ")), "{lines}");
    environment.push(("CHINWAG_REDIS__URL", "redis://127.0.0.1:1".to_owned()));
    let (code, lines) = run(&environment);
    assert_eq!(code, Some(1), "{lines}");
    assert_eq!(lines.lines().filter(|line| line.starts_with("FAIL  redis: ")).count(), 1, "{lines}");
    environment.push(("CHINWAG_SERVER__PORT", "none".to_owned()));
    let (code, lines) = run(&environment);
    assert_eq!((code, lines.lines().count()), (Some(1), 1), "{lines}");
    assert!(lines.starts_with("FAIL  configuration: server.port: must be"), "{lines}");
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0, "the check changes nothing");
}
