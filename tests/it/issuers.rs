//! Tokens of other issuers: which are accepted, and as which user.

use std::collections::BTreeSet;
use std::process::Command;

use chinwag::config::{IssuerConfig, Registration, SigningAlgorithm};
use chinwag::domain::{AccountOrigin, Reason, UserId};
use chinwag::service::Operator;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::bad_frames::ALL;
use crate::budgets::only;
use crate::command_log::LoggedRedis;
use crate::faults::proxy::{Path, Paths, Proxy, Target};
use crate::raw_socket::{Incoming, RawSocket};
use crate::redis_cluster::RedisCluster;
use crate::sessions::open;
use crate::support::{Redis, User, World, administration, answered, eventually, ok, scratch, shared_redis};

const SECRET: &str = "a secret that is shared with an issuer";

/// An issuer with its private key.
pub struct Issuer {
    pub config: IssuerConfig,
    pub key: EncodingKey,
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Issuer {
    pub fn new(algorithm: Algorithm) -> Self {
        let (mut public_key, mut secret) = (String::new(), "");
        let key = match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                secret = SECRET;
                EncodingKey::from_secret(SECRET.as_bytes()).expect("a key")
            }
            Algorithm::ES256 => {
                Self::pair("EC", &["ec_paramgen_curve:P-256"], &mut public_key, EncodingKey::from_ec_der)
            }
            Algorithm::ES384 => {
                Self::pair("EC", &["ec_paramgen_curve:P-384"], &mut public_key, EncodingKey::from_ec_der)
            }
            Algorithm::EdDSA => Self::pair("ED25519", &[], &mut public_key, EncodingKey::from_ed_der),
            _ => Self::pair("RSA", &["rsa_keygen_bits:2048"], &mut public_key, EncodingKey::from_rsa_der),
        };
        let config = IssuerConfig {
            issuer: format!("https://{algorithm:?}.example"),
            audience: "chat".to_owned(),
            algorithm: SigningAlgorithm::try_from(format!("{algorithm:?}")).expect("known"),
            public_key,
            jwks_url: String::new(),
            secret: secret.into(),
            name_claim: "name".to_owned(),
        };
        Self { config, key }
    }

    /// Makes a key pair.
    fn pair(kind: &str, options: &[&str], public_key: &mut String, read: fn(&[u8]) -> EncodingKey) -> EncodingKey {
        let file = scratch().join("private.pem");
        let path = file.to_str().expect("text");
        let options = options.iter().flat_map(|option| ["-pkeyopt", option]);
        openssl(&["genpkey", "-algorithm", kind, "-out", path].into_iter().chain(options).collect::<Vec<_>>());
        *public_key = String::from_utf8(openssl(&["pkey", "-in", path, "-pubout"])).expect("text");
        read(&match kind {
            "RSA" => openssl(&["rsa", "-in", path, "-traditional", "-outform", "DER"]),
            _ => openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", path, "-outform", "DER"]),
        })
    }

    /// The claims of a token that is issued now.
    pub fn claims(&self, subject: &str, name: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({"iss": self.config.issuer, "aud": "chat", "sub": subject, "name": name, "iat": now, "exp": now + 600})
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&Header::new(self.config.algorithm.algorithm), claims, &self.key).expect("signs")
    }

    fn token(&self, subject: &str, name: &str) -> String {
        self.sign(&self.claims(subject, name))
    }
}

async fn world(nodes: usize, issuers: &[&Issuer]) -> World {
    let issuers: Vec<IssuerConfig> = issuers.iter().map(|issuer| issuer.config.clone()).collect();
    World::start_with(nodes, shared_redis(), |config| config.auth.issuers = issuers).await
}

/// The number and the name of the account that a token opens, or the status of the refusal.
pub async fn me(world: &World, node: usize, token: &str) -> Result<(u64, String), u16> {
    let answer = User::new(world, "", token).at(node, Method::GET, "/api/v1/me").send().await;
    match answered(answer).await {
        (200, me) => Ok((me["id"].as_u64().expect("a number"), me["username"].as_str().expect("text").to_owned())),
        (status, _) => Err(status),
    }
}

#[tokio::test]
async fn a_token_of_each_algorithm_opens_all_five_documents() {
    let issuers = [
        Algorithm::HS256,
        Algorithm::HS512,
        Algorithm::RS256,
        Algorithm::PS384,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ]
    .map(Issuer::new);
    let world = world(2, &issuers.iter().collect::<Vec<_>>()).await;
    for (id, issuer) in (1..).zip(&issuers) {
        let name = format!("{:?}", issuer.config.algorithm.algorithm);
        let token = issuer.token("u-1", &name);
        let user = User::new(&world, &name, &token);
        for node in [0, 1] {
            assert_eq!(me(&world, node, &token).await, Ok((id, name.clone())), "{name}");
            let again = issuer.token("u-1", &name);
            assert_eq!(me(&world, node, &again).await, Ok((id, name.clone())), "{name}: found by the subject");
            let sent = user.send(node, "global", "hello").await;
            assert_eq!((&sent["sender_id"], &sent["sender_name"]), (&json!(id), &json!(name)));
            let profile = user.get_json(node, "/api/v1/user/profile").await;
            assert!(profile.to_string().contains(&format!("\"{name}\"")), "{profile}");
            let body = json!({"room_id": 1, "page": 1, "page_size": 5});
            assert_eq!(user.ask(node, "/api/chat/history/room", &body).await.0, 200);
            for dialect in ALL {
                dialect.open(&world.base(node), &token).await;
            }
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn what_its_settings_do_not_say_is_refused() {
    let (rsa, shared) = (Issuer::new(Algorithm::RS256), Issuer::new(Algorithm::HS256));
    let world = world(1, &[&rsa, &shared]).await;
    let now = jiff::Timestamp::now().as_second();
    let changed = |issuer: &Issuer, name: &str, value: Value| {
        let mut claims = issuer.claims("u-1", "Ann");
        claims[name] = value;
        issuer.sign(&claims)
    };
    // The public key is public: whoever knows it must not be able to sign with it as a secret.
    let with_secret = |claims: &Value, algorithm: Algorithm, secret: &[u8]| {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret).expect("a key")).expect("signs")
    };
    let (pem, claims) = (rsa.config.public_key.as_bytes(), rsa.claims("u-1", "Ann"));
    let der = rsa.config.key().expect("a key");
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let payload = rsa.sign(&claims).split('.').nth(1).expect("a payload").to_owned();
    let mut of_own_form = shared.claims("1", "Ann");
    of_own_form["epoch"] = 0.into();
    let tokens = [
        ("signed with the public key", with_secret(&claims, Algorithm::HS256, pem)),
        ("signed with the public key in DER", with_secret(&claims, Algorithm::HS256, &der)),
        ("signed with the secret of another", with_secret(&claims, Algorithm::HS256, SECRET.as_bytes())),
        ("unsigned", format!("{none}.{payload}.")),
        ("without its signature", format!("eyJhbGciOiJSUzI1NiJ9.{payload}.")),
        ("another algorithm", encode(&Header::new(Algorithm::RS512), &claims, &rsa.key).expect("signs")),
        ("padded otherwise", encode(&Header::new(Algorithm::PS256), &claims, &rsa.key).expect("signs")),
        ("another hash", with_secret(&shared.claims("u-1", "Ann"), Algorithm::HS512, SECRET.as_bytes())),
        ("in the name of the other issuer", changed(&rsa, "iss", json!(shared.config.issuer))),
        ("in the name of the server", changed(&shared, "iss", json!("chinwag"))),
        ("for others", changed(&rsa, "aud", json!("mail"))),
        ("expired", changed(&rsa, "exp", json!(now - 6))),
        ("not yet valid", changed(&rsa, "nbf", json!(now + 60))),
        ("from the future", changed(&rsa, "iat", json!(now + 3600))),
        ("older than any token may be", changed(&rsa, "iat", json!(now - 604_900))),
        ("of nobody", changed(&rsa, "sub", json!(""))),
    ];
    for (what, token) in tokens {
        assert_eq!(me(&world, 0, &token).await, Err(401), "{what}");
        let opened = RawSocket::connect(&world.base(0)).await.open(&format!("/ws?token={token}"), "").await;
        assert_eq!(opened.map(|_| ()).map_err(|(status, _)| status), Err(401), "{what}");
    }
    // A subject is no number of ours.
    world.user(0, "alice").await;
    assert_eq!(me(&world, 0, &shared.sign(&of_own_form)).await, Ok((2, "Ann".to_owned())));
    for (name, value) in [("nbf", json!(now)), ("aud", json!(["mail", "chat"])), ("exp", json!(now as f64 + 60.5))] {
        let digits = AccountOrigin::of_subject(&rsa.config.issuer, "u-1").to_string();
        let expected = (3, format!("Ann-{}", &digits[..4]));
        assert_eq!(me(&world, 0, &changed(&rsa, name, value)).await, Ok(expected), "{name}");
    }
    world.stop().await;
}

#[tokio::test]
async fn names_are_kept_current_and_never_those_of_others() {
    let issuer = Issuer::new(Algorithm::ES256);
    let world = world(2, &[&issuer]).await;
    let alice = world.user(0, "Alice").await;
    let digits = |subject: &str| AccountOrigin::of_subject(&issuer.config.issuer, subject).to_string();
    for (subject, claimed, name) in [
        ("a", "Bob", "Bob".to_owned()),
        ("b", "Alice", format!("Alice-{}", &digits("b")[..4])),
        ("c", "ALICE", format!("ALICE-{}", &digits("c")[..4])),
        ("d", "bob", format!("bob-{}", &digits("d")[..4])),
        ("e", "a\u{202e}b", format!("user-{}", &digits("e")[..16])),
        ("f", "系统", format!("系统-{}", &digits("f")[..4])),
    ] {
        let found = me(&world, 0, &issuer.token(subject, claimed)).await.expect("opened").1;
        // A name that looks like one of the server is not given in any form.
        assert!(found == name || (subject == "f" && found.starts_with("user-")), "{claimed}: {found}");
    }
    // Claims from a moment after the account was made: times of issue are whole seconds.
    let (old, mut claims) = (issuer.token("a", "Bob"), issuer.claims("a", "Robert"));
    claims["iat"] = (claims["iat"].as_i64().expect("a time") + 5).into();
    let new = issuer.sign(&claims);
    assert_eq!(me(&world, 0, &new).await, Ok((2, "Robert".to_owned())));
    eventually("the other node has heard of it", async || {
        let sent = User::new(&world, "", &old).send(1, "global", "hello").await;
        sent["sender_name"] == "Robert"
    })
    .await;
    // An older token does not bring the former name back, wherever it is seen first.
    assert_eq!(me(&world, 1, &old).await, Ok((2, "Robert".to_owned())));
    let mut claims = issuer.claims("a", "Bob");
    claims["iat"] = (claims["iat"].as_i64().expect("a time") - 5).into();
    let older = issuer.sign(&claims);
    for node in [0, 1] {
        assert_eq!(me(&world, node, &older).await, Ok((2, "Robert".to_owned())));
    }
    let found = alice.get_json(0, "/api/v1/search?kind=user&q=rob").await;
    assert_eq!(found[0]["id"], 2, "{found}");
    // The former name is free.
    world.user(1, "Bob").await;
    world.stop().await;
}

#[tokio::test]
async fn bans_ended_sessions_log_outs_and_deletions_hold_for_tokens_of_issuers() {
    let issuer = Issuer::new(Algorithm::HS256);
    let mut world = world(2, &[&issuer]).await;
    // Issued in another second than any of what follows.
    let at = |subject: &str, ahead: i64| {
        let mut claims = issuer.claims(subject, subject);
        claims["iat"] = (claims["iat"].as_i64().expect("a time") + ahead).into();
        issuer.sign(&claims)
    };
    let (first, later) = (at("ann", -5), at("ann", 30));
    for node in [0, 1] {
        assert_eq!(me(&world, node, &first).await, Ok((1, "ann".to_owned())));
    }
    let gone = async |world: &World, token: &str| {
        for node in [0, 1] {
            eventually("the token is refused", async || me(world, node, token).await == Err(401)).await;
        }
    };
    // One token alone.
    let other = at("ann", -4);
    ok(User::new(&world, "", &other).at(0, Method::POST, "/api/v1/auth/logout").send().await).await;
    gone(&world, &other).await;
    assert_eq!(me(&world, 1, &first).await, Ok((1, "ann".to_owned())));
    // All that were issued so far, and those that the issuer goes on issuing as long as the ban lasts.
    world.set_banned("ann", true).await;
    gone(&world, &first).await;
    gone(&world, &later).await;
    world.add_node().await;
    assert_eq!((me(&world, 2, &first).await, me(&world, 2, &later).await), (Err(401), Err(401)));
    world.set_banned("ann", false).await;
    for node in [0, 1, 2] {
        eventually("a later token opens the account again", async || me(&world, node, &later).await.is_ok()).await;
        assert_eq!(me(&world, node, &first).await, Err(401));
    }
    // Nobody logs in with a password, nor changes or deletes anything with one.
    let user = User::new(&world, "", &later);
    for password in ["", "your_strong_password"] {
        let body = json!({"username": "ann", "password": password});
        let answer = world.client.post(world.url(0, "/api/v1/auth/login")).json(&body).send().await;
        assert!([400, 401].contains(&answer.expect("answered").status().as_u16()));
        let answer = user.at(0, Method::DELETE, "/api/v1/me").json(&json!({"password": password})).send().await;
        assert!([400, 403].contains(&answer.expect("answered").status().as_u16()));
    }
    // A deleted account is not made again.
    let root = world.user(0, "operator").await;
    world.promote("operator").await;
    ok(root.at(0, Method::DELETE, "/api/v1/admin/users/1").send().await).await;
    gone(&world, &later).await;
    assert_eq!(me(&world, 2, &at("ann", 40)).await, Err(401));
    assert_eq!(me(&world, 2, &at("bea", 0)).await, Ok((3, "bea".to_owned())));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_holds_on_a_node_that_reads_the_account_at_that_moment() {
    let issuer = Issuer::new(Algorithm::HS256);
    let redis = Redis::start(&[]);
    let mut world =
        World::start_with(1, &redis.url(), |config| config.auth.issuers = vec![issuer.config.clone()]).await;
    let administration = administration(&world.config).await;
    let proxy = Proxy::start(&redis.url()).await;
    world.config.redis.url = proxy.url();
    world.add_node().await;
    let mut claims = issuer.claims("u-1", "Ann");
    // Later than any of what follows.
    claims["iat"] = (claims["iat"].as_i64().expect("a time") + 30).into();
    let token = issuer.sign(&claims);
    let (ann, _) = me(&world, 1, &token).await.expect("opened");
    let (one, other) = (world.user(0, "one").await, world.user(0, "other").await);
    let (mut first, mut second) = (open(&world, 1, &one.token).await, open(&world, 1, &other.token).await);

    administration.unban(&Operator::CommandLine, UserId(ann)).await.expect("done");
    administration.end_sessions(&Operator::CommandLine, UserId(2)).await.expect("done");
    // Then the node has forgotten what it knew of ann.
    ended(&mut first).await;
    let mut log = redis_log(&redis).await;
    proxy.disturb_present(Target::Commands, Paths { to_redis: Path::Open, to_node: Path::Held });
    let request = me(&world, 1, &token);
    let banning = async {
        while !log.next_line().await.expect("logged").expect("open").contains("\"banned\"") {}
        administration.ban(&Operator::CommandLine, UserId(ann), Reason::default()).await.expect("done");
        administration.end_sessions(&Operator::CommandLine, UserId(3)).await.expect("done");
        ended(&mut second).await;
        proxy.restore();
    };
    let (answer, ()) = tokio::join!(request, banning);
    println!("the first answer: {answer:?}");
    assert_eq!(me(&world, 1, &token).await, Err(401));
    world.stop().await;
}

/// Reads a socket until the node closes it.
async fn ended(socket: &mut RawSocket) {
    while !matches!(socket.next().await, Incoming::Close(Some(1008), _)) {}
}

/// What Redis is asked from now on.
async fn redis_log(redis: &Redis) -> tokio::io::Lines<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).await.expect("Redis listens");
    stream.write_all(b"MONITOR\r\n").await.expect("written");
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.expect("answered").as_deref(), Some("+OK"));
    lines
}

#[tokio::test]
async fn users_are_made_once_however_many_requests_bring_them_first() {
    let issuer = Issuer::new(Algorithm::HS256);
    let world = World::start_with(2, shared_redis(), |config| {
        config.auth.issuers = vec![issuer.config.clone()];
        config.auth.registration = Registration::Closed;
    })
    .await;
    for round in 0..8 {
        let requests = (0..24).map(|number| {
            let token = issuer.token(&format!("u-{round}-{}", number % 3), &format!("Ann {round}"));
            let world = &world;
            async move { (number % 3, me(world, number % 2, &token).await.expect("opened")) }
        });
        let mut found: Vec<(usize, (u64, String))> = join_all(requests).await;
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 3, "{found:?}");
        let names: BTreeSet<&str> = found.iter().map(|(_, (_, name))| name.as_str()).collect();
        assert_eq!(names.len(), 3, "{found:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_token_that_was_seen_costs_nothing() {
    let redis = LoggedRedis::start().await;
    let issuer = Issuer::new(Algorithm::RS256);
    let world = redis.world(|config| config.auth.issuers = vec![issuer.config.clone()]).await;
    let token = issuer.token("u-1", "Ann");
    let user = User::new(&world, "Ann", &token);
    let heartbeat = async || drop(ok(user.post(0, "heartbeat").send().await).await);
    heartbeat().await;
    let cost = redis.cost(&user, heartbeat).await;
    assert_eq!((cost.commands, cost.round_trips), (only(&[]), 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_of_issuers_are_made_and_found_on_a_cluster() {
    let issuer = Issuer::new(Algorithm::ES384);
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(2, &cluster.url(), |config| config.auth.issuers = vec![issuer.config.clone()]).await;
    for (id, subject) in [(1, "u-1"), (2, "u-2"), (3, "u-3")] {
        let token = issuer.token(subject, "Ann");
        let first = me(&world, 0, &token).await.expect("opened");
        assert_eq!(first.0, id);
        assert_eq!(me(&world, 1, &token).await, Ok(first));
        User::new(&world, "", &token).send(1, "global", "hello").await;
    }
    world.stop().await;
}
