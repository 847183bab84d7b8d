//! Keys that issuers publish: they are fetched, rotated and withdrawn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chinwag::config::IssuerConfig;
use chinwag::node::{self, Verdict};
use futures_util::future::join_all;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::half_way::{OF_NAMES, meanwhile};
use crate::issuers::{Issuer, me};
use crate::membership_crashes::{DOOMED, Setting};
use crate::support::{User, World, eventually, shared_redis};

/// A server that publishes keys.
struct KeyServer {
    url: String,
    answer: Arc<Mutex<(u16, String)>>,
    requests: Arc<AtomicUsize>,
    /// Whether answers are kept back.
    is_held: watch::Sender<bool>,
}

impl KeyServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let (answer, requests) = (Arc::new(Mutex::new((500, String::new()))), Arc::new(AtomicUsize::new(0)));
        let (answers, count) = (Arc::clone(&answer), Arc::clone(&requests));
        let is_held = watch::Sender::new(false);
        let holding = is_held.subscribe();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut request, answers, mut holding) = (Vec::new(), Arc::clone(&answers), holding.clone());
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await? > 0 {}
                    drop(holding.wait_for(|is_held| !is_held).await);
                    let (status, body) = answers.lock().expect("whole").clone();
                    let head =
                        format!("HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                    stream.write_all((head + &body).as_bytes()).await
                });
            }
        });
        Self { url, answer, requests, is_held }
    }

    fn answer(&self, status: u16, body: impl Into<String>) {
        *self.answer.lock().expect("whole") = (status, body.into());
    }

    /// Publishes the public keys of these issuers under these ids, among others.
    fn publish(&self, keys: &[(&Issuer, &str)]) {
        let foreign = [json!({"kty": "oct", "k": "c2VjcmV0"}), json!({"kty": "new", "kid": "b"})];
        let keys = keys.iter().map(|(issuer, id)| {
            let mut key = Jwk::from_encoding_key(&issuer.key, issuer.config.algorithm.algorithm).expect("a public key");
            key.common.key_id = Some((*id).to_owned());
            serde_json::to_value(key).expect("JSON")
        });
        let keys: Vec<Value> = foreign.into_iter().chain(keys).collect();
        self.answer(200, json!({"keys": keys}).to_string());
    }

    fn config(&self, issuer: &Issuer) -> IssuerConfig {
        IssuerConfig { public_key: String::new(), jwks_url: self.url.clone(), ..issuer.config.clone() }
    }

    async fn world(&self, issuer: &Issuer, nodes: usize) -> World {
        let config = self.config(issuer);
        World::start_with(nodes, shared_redis(), |settings| settings.auth.issuers = vec![config]).await
    }
}

/// A token under the key of an issuer, which names this key.
fn token(issuer: &Issuer, id: Option<&str>, subject: &str) -> String {
    let mut header = Header::new(issuer.config.algorithm.algorithm);
    header.kid = id.map(str::to_owned);
    encode(&header, &issuer.claims(subject, "Ann"), &issuer.key).expect("signs")
}

#[tokio::test]
async fn a_new_key_is_accepted_at_once_and_a_withdrawn_one_no_more() {
    let (first, second, server) =
        (Issuer::new(Algorithm::RS256), Issuer::new(Algorithm::RS256), KeyServer::start().await);
    server.publish(&[(&first, "a")]);
    let world = server.world(&first, 2).await;
    let (old, new) = (token(&first, Some("a"), "u-1"), token(&second, Some("b"), "u-1"));
    let account = me(&world, 0, &old).await;
    assert!(account.is_ok(), "{account:?}");
    assert_eq!(me(&world, 1, &token(&first, None, "u-1")).await, account, "it need not name its key");
    assert_eq!(me(&world, 0, &new).await, Err(401), "no key of the issuer");

    server.publish(&[(&second, "b"), (&first, "a")]);
    for node in [0, 1] {
        assert_eq!(me(&world, node, &new).await, account, "the first token of the new key is accepted");
        assert_eq!(me(&world, node, &old).await, account);
    }
    let borrowed = token(&first, Some("b"), "u-1");
    assert_eq!(me(&world, 0, &borrowed).await, Err(401), "in the name of another key");

    server.publish(&[(&second, "b")]);
    for node in [0, 1] {
        // Whatever names an unknown key makes a node ask again.
        assert_eq!(me(&world, node, &token(&first, Some("c"), "u-1")).await, Err(401));
        eventually("tokens of the withdrawn key are refused", async || me(&world, node, &old).await == Err(401)).await;
        assert_eq!(me(&world, node, &new).await, account);
    }
    // What is no list of keys changes nothing.
    for (status, body) in [(200, "<html>"), (404, "{\"keys\":[]}"), (200, "{\"keys\":7}")] {
        server.answer(status, body);
        assert_eq!(me(&world, 0, &token(&first, Some("d"), "u-1")).await, Err(401));
        assert_eq!(me(&world, 0, &token(&second, Some("b"), "u-1")).await, account, "{body}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_examined_while_its_key_is_withdrawn_is_not_remembered() {
    let (first, second, server) =
        (Issuer::new(Algorithm::ES256), Issuer::new(Algorithm::ES256), KeyServer::start().await);
    server.publish(&[(&first, "a")]);
    let config = server.config(&first);
    let setting = Setting::start_with(OF_NAMES, |settings| settings.auth.issuers = vec![config]).await;
    let world = &setting.world;
    let examined = token(&first, Some("a"), "u-1");
    server.publish(&[(&second, "b")]);
    server.is_held.send_replace(true);
    let before = server.requests.load(Ordering::Relaxed);
    let unknown = token(&first, Some("c"), "u-2");
    // Whatever names an unknown key makes a node ask again.
    let mut asking = Box::pin(me(world, DOOMED, &unknown));
    tokio::select! {
        answer = &mut asking => panic!("{answer:?} before the keys are fetched"),
        () = eventually("the node asks", async || server.requests.load(Ordering::Relaxed) > before) => {}
    }
    let withdrawing = async {
        server.is_held.send_replace(false);
        assert_eq!(asking.await, Err(401));
        assert_eq!(me(world, DOOMED, &token(&first, Some("a"), "u-2")).await, Err(401));
    };
    let held = meanwhile(&setting, 0, me(world, DOOMED, &examined), withdrawing).await;
    assert!(held.is_some(), "the account is made while the key is withdrawn");
    assert_eq!(me(world, DOOMED, &examined).await, Err(401));
    setting.world.stop().await;
}

#[tokio::test]
async fn tokens_of_unknown_keys_are_many_and_requests_are_few() {
    let (issuer, other, server) =
        (Issuer::new(Algorithm::ES256), Issuer::new(Algorithm::ES256), KeyServer::start().await);
    server.publish(&[(&issuer, "a")]);
    let world = server.world(&issuer, 1).await;
    assert!(me(&world, 0, &token(&issuer, Some("a"), "u-1")).await.is_ok());
    let before = server.requests.load(Ordering::Relaxed);
    let tokens: Vec<String> = (0..100).map(|number| token(&other, Some(&number.to_string()), "u-1")).collect();
    let refused = join_all(tokens.iter().map(|token| me(&world, 0, token))).await;
    assert!(refused.iter().all(|answer| *answer == Err(401)), "{refused:?}");
    let asked = server.requests.load(Ordering::Relaxed) - before;
    assert!((1..=4).contains(&asked), "{asked} requests for 100 tokens");
    // Of others' tokens nobody is asked.
    let foreign = encode(&Header::new(Algorithm::ES256), &json!({"iss": "https://other", "sub": "u-1"}), &other.key);
    for token in [foreign.expect("signs"), token(&other, Some("a"), "u-1")] {
        assert_eq!(me(&world, 0, &token).await, Err(401));
    }
    assert_eq!(server.requests.load(Ordering::Relaxed) - before, asked);
    world.stop().await;
}

#[tokio::test]
async fn without_keys_tokens_are_neither_accepted_nor_refused() {
    let (issuer, server) = (Issuer::new(Algorithm::EdDSA), KeyServer::start().await);
    let world = server.world(&issuer, 1).await;
    let token = token(&issuer, Some("a"), "u-1");
    assert_eq!(me(&world, 0, &token).await, Err(503), "whether it is valid is not known");
    assert!(world.user(0, "alice").await.get_json(0, "/api/v1/me").await["id"].is_number());
    let mut config = world.config.clone();
    let finding = async |config: &chinwag::config::Config| {
        let found = node::check(config).await.into_iter().find(|finding| finding.about == "issuer").expect("checked");
        (found.verdict, found.text)
    };
    let (verdict, text) = finding(&config).await;
    assert!(verdict == Verdict::Wrong && text.contains(&server.url) && text.contains("status 500"), "{text}");
    server.answer(200, "{\"keys\":[]}");
    assert!(finding(&config).await.1.contains("no key"));
    server.publish(&[(&issuer, "a")]);
    let (verdict, text) = finding(&config).await;
    assert!(verdict == Verdict::Doubtful && text.contains("without TLS"), "{text}");
    assert!(me(&world, 0, &token).await.is_ok(), "the keys are there");
    config.auth.issuers[0].jwks_url = "http://127.0.0.1:1/keys".to_owned();
    let (verdict, text) = finding(&config).await;
    assert!(verdict == Verdict::Wrong && text.contains("refused"), "{text}");
    world.stop().await;
}

#[tokio::test]
async fn a_slow_issuer_keeps_nobody_waiting_for_long() {
    let (first, second, server) =
        (Issuer::new(Algorithm::ES256), Issuer::new(Algorithm::ES256), KeyServer::start().await);
    server.publish(&[(&first, "a")]);
    let world = server.world(&first, 1).await;
    let (old, new) = (token(&first, Some("a"), "u-1"), token(&second, Some("b"), "u-1"));
    let account = me(&world, 0, &old).await;
    assert!(account.is_ok(), "{account:?}");
    server.is_held.send_replace(true);
    server.publish(&[(&second, "b")]);
    let answer = User::new(&world, "", &new).at(0, Method::GET, "/api/v1/me").send().await.expect("an answer");
    assert_eq!(answer.status(), 503, "whether it is valid is not known");
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(me(&world, 0, &old).await, account, "the known keys stay in use");
    server.is_held.send_replace(false);
    assert_eq!(me(&world, 0, &new).await, account);
    world.stop().await;
}
