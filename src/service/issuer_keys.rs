//! The keys by which the signatures of an issuer are checked: the one in the settings, or those that the issuer publishes.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::config::{IssuerConfig, KeyKind, SigningAlgorithm};
use crate::domain::{Endpoint, Error, Result};
use crate::outbound::Outbound;

/// How often keys are fetched although no token asks for it, which is how a withdrawn one is noticed.
const FETCH_EVERY: Duration = Duration::from_mins(5);
/// The same while they cannot be fetched.
const RETRY_EVERY: Duration = Duration::from_secs(15);
/// Tokens of unknown keys, which anyone can make, cause no more requests than one in this time.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// Time for a request to the issuer.
const REQUEST_SECS: u64 = 10;
/// How long a token waits for keys: for the pause and a request to an issuer that is well.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest list of keys that is read.
const MAX_BYTES: usize = 256 * 1024;

/// The keys of an issuer.
pub(super) enum IssuerKeys {
    /// The one in the settings.
    Configured(DecodingKey),
    /// Those at the issuer's address.
    Published(PublishedKeys),
}

/// The keys that an issuer publishes (JWKS, RFC 7517), fetched at start, every few minutes, and when a token names one that is
/// not among them: the issuer may sign with a new one.
pub(super) struct PublishedKeys {
    endpoint: Endpoint,
    algorithm: SigningAlgorithm,
    outbound: Outbound,
    /// `None` until they were fetched once.
    keys: ArcSwapOption<Vec<PublishedKey>>,
    wanted: Notify,
    attempts: watch::Sender<Attempts>,
}

/// How often keys were fetched, with success or without.
#[derive(Clone, Copy, Default)]
struct Attempts {
    begun: u64,
    ended: u64,
}

/// What is known of an issuer, of which changes are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Failing,
    /// No key fits the algorithm.
    Empty,
    Usable,
}

impl State {
    fn of(fetched: &Result<Vec<PublishedKey>, String>) -> Self {
        match fetched {
            Err(_) => Self::Failing,
            Ok(keys) if keys.is_empty() => Self::Empty,
            Ok(_) => Self::Usable,
        }
    }
}

/// A published key for the algorithm of the settings.
pub(super) struct PublishedKey {
    listed: Jwk,
    pub(super) key: DecodingKey,
}

/// The form of a list of keys.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl IssuerKeys {
    /// The keys that the settings name.
    ///
    /// # Errors
    /// `Internal` for a key or an address that cannot be used.
    pub(super) fn new(config: &IssuerConfig) -> Result<Self> {
        if !config.jwks_url.is_empty() {
            return PublishedKeys::new(config).map(Self::Published);
        }
        let bytes = config.key().map_err(Error::internal)?;
        Ok(Self::Configured(match config.algorithm.key {
            KeyKind::Secret => DecodingKey::from_secret(&bytes).map_err(Error::internal)?,
            KeyKind::P256 | KeyKind::P384 => DecodingKey::from_ec_der(&bytes),
            KeyKind::Ed25519 => DecodingKey::from_ed_der(&bytes),
            KeyKind::Rsa => DecodingKey::from_rsa_der(&bytes),
        }))
    }
}

impl PublishedKeys {
    fn new(config: &IssuerConfig) -> Result<Self> {
        Ok(Self {
            endpoint: config.jwks_url.parse()?,
            algorithm: config.algorithm,
            outbound: Outbound::of_operator(REQUEST_SECS)?,
            keys: ArcSwapOption::empty(),
            wanted: Notify::new(),
            attempts: watch::Sender::default(),
        })
    }

    /// Whether the keys were fetched since the node started.
    pub(super) fn are_known(&self) -> bool {
        self.keys.load().is_some()
    }

    /// Whether a key of this id is known: nothing new can be learned about it.
    pub(super) fn has(&self, id: &str) -> bool {
        let keys = self.keys.load();
        keys.as_deref().is_some_and(|keys| keys.iter().any(|key| key.listed.common.key_id.as_deref() == Some(id)))
    }

    /// The keys that may have signed a token which names this key, or none.
    pub(super) fn of(&self, id: Option<&str>) -> Vec<DecodingKey> {
        let keys = self.keys.load();
        let all = keys.as_deref().map(Vec::as_slice).unwrap_or_default();
        let may_be = |listed: &Jwk| match (id, listed.common.key_id.as_deref()) {
            (Some(id), Some(listed)) => id == listed,
            (None, _) | (_, None) => true,
        };
        all.iter().filter(|key| may_be(&key.listed)).map(|key| key.key.clone()).collect()
    }

    /// Waits for a fetch that begins after the call. What is being fetched already may be older than a new key. Returns
    /// whether it has ended in time.
    pub(super) async fn renewed(&self) -> bool {
        let mut attempts = self.attempts.subscribe();
        let next = attempts.borrow().begun + 1;
        self.wanted.notify_one();
        timeout(PATIENCE, attempts.wait_for(|attempts| attempts.ended >= next)).await.is_ok()
    }

    /// Keeps the keys current. Calls `withdrawn` when one is no longer published.
    pub(super) async fn follow(&self, withdrawn: impl Fn()) {
        let mut state = None;
        loop {
            self.attempts.send_modify(|attempts| attempts.begun += 1);
            let fetched = self.fetch().await;
            let now = State::of(&fetched);
            if state.replace(now) != Some(now) {
                self.tell(&fetched);
            }
            if let Ok(keys) = fetched {
                self.replace(keys, &withdrawn);
            }
            self.attempts.send_modify(|attempts| attempts.ended += 1);
            sleep(LEAST_PAUSE).await;
            let pause = if now == State::Failing { RETRY_EVERY } else { FETCH_EVERY };
            drop(timeout(pause, self.wanted.notified()).await);
        }
    }

    fn tell(&self, fetched: &Result<Vec<PublishedKey>, String>) {
        let host = self.endpoint.host();
        match fetched {
            Err(reason) => warn!(host, reason, "could not fetch the keys of an issuer of tokens"),
            Ok(keys) if keys.is_empty() => {
                warn!(host, "an issuer publishes no key for its algorithm: its tokens are refused");
            }
            Ok(keys) => info!(host, keys = keys.len(), "fetched the keys of an issuer of tokens"),
        }
    }

    fn replace(&self, keys: Vec<PublishedKey>, withdrawn: &impl Fn()) {
        let is_published = |former: &PublishedKey| keys.iter().any(|key| key.listed == former.listed);
        let former = self.keys.load_full();
        let is_withdrawn = former.is_some_and(|former| !former.iter().all(is_published));
        self.keys.store(Some(Arc::new(keys)));
        if is_withdrawn {
            withdrawn();
        }
    }

    async fn fetch(&self) -> Result<Vec<PublishedKey>, String> {
        let answer = self.outbound.get(&self.endpoint, MAX_BYTES).await.map_err(|failure| failure.to_string())?;
        if answer.status != 200 {
            return Err(format!("the answer has status {}", answer.status));
        }
        parse(&answer.body, self.algorithm).ok_or_else(|| "the answer is not a set of keys (JWKS)".to_owned())
    }
}

/// The keys in a list that check signatures by an algorithm. Of other keys nothing is required, as of ones for encryption.
fn parse(body: &[u8], algorithm: SigningAlgorithm) -> Option<Vec<PublishedKey>> {
    let set: KeySet = serde_json::from_slice(body).ok()?;
    let listed = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let fitting = listed.filter(|key| fits(key, algorithm));
    Some(
        fitting.filter_map(|listed| Some(PublishedKey { key: DecodingKey::from_jwk(&listed).ok()?, listed })).collect(),
    )
}

fn fits(key: &Jwk, algorithm: SigningAlgorithm) -> bool {
    let is_of_kind = match (&key.algorithm, algorithm.key) {
        (AlgorithmParameters::RSA(_), KeyKind::Rsa) => true,
        (AlgorithmParameters::EllipticCurve(key), KeyKind::P256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), KeyKind::P384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), KeyKind::Ed25519) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let is_for_signatures =
        key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    // Ed25519 has two names by now (RFC 9864).
    let is_named =
        |name: KeyAlgorithm| algorithm.key == KeyKind::Ed25519 || name == KeyAlgorithm::from(algorithm.algorithm);
    is_of_kind && is_for_signatures && key.common.key_algorithm.is_none_or(is_named)
}

/// The number of keys that an issuer publishes and that its algorithm can use.
///
/// # Errors
/// Why they cannot be fetched.
pub async fn count_published_keys(config: &IssuerConfig) -> Result<usize, String> {
    let keys = PublishedKeys::new(config).map_err(|error| error.to_string())?;
    keys.fetch().await.map(|keys| keys.len())
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const KEY: &str = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE";

    /// The keys at a server of this test, which answers by hand.
    async fn published() -> (Arc<PublishedKeys>, TcpListener) {
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let keys = PublishedKeys {
            endpoint: format!("http://{}/keys", server.local_addr().expect("an address")).parse().expect("an address"),
            algorithm: SigningAlgorithm::try_from("EdDSA".to_owned()).expect("known"),
            outbound: Outbound::of_operator(REQUEST_SECS).expect("a client"),
            keys: ArcSwapOption::empty(),
            wanted: Notify::new(),
            attempts: watch::Sender::default(),
        };
        let keys = Arc::new(keys);
        let following = Arc::clone(&keys);
        tokio::spawn(async move { following.follow(|| {}).await });
        (keys, server)
    }

    fn is_pending(waiting: Pin<&mut impl Future>) -> bool {
        waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    async fn request(server: &TcpListener) -> TcpStream {
        let (mut stream, _) = server.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.expect("a request") > 0 {}
        stream
    }

    async fn publish(mut stream: TcpStream, ids: &[&str]) {
        let keys: Vec<Value> =
            ids.iter().map(|id| json!({"kty": "OKP", "crv": "Ed25519", "x": KEY, "kid": id})).collect();
        let body = json!({"keys": keys}).to_string();
        let head = format!("HTTP/1.1 200 -\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.expect("written");
    }

    #[tokio::test]
    async fn who_comes_during_a_fetch_waits_for_the_next_one() {
        let (keys, server) = published().await;
        let first = request(&server).await;
        let mut waiting = pin!(keys.renewed());
        assert!(is_pending(waiting.as_mut()));
        publish(first, &["a"]).await;
        let second = request(&server).await;
        assert!(keys.has("a") && is_pending(waiting.as_mut()), "what was fetched may be older");
        let mut late = pin!(keys.renewed());
        assert!(is_pending(late.as_mut()));
        publish(second, &["a", "b"]).await;
        assert!(waiting.await && keys.has("b"));
        publish(request(&server).await, &["c"]).await;
        assert!(late.await && keys.has("c") && !keys.has("a"));
    }

    #[tokio::test]
    async fn nobody_waits_long_for_a_slow_issuer() {
        let (keys, server) = published().await;
        let _unanswered = request(&server).await;
        assert!(!keys.renewed().await);
    }

    #[test]
    fn a_list_without_a_usable_key_is_a_state_of_its_own() {
        let algorithm = SigningAlgorithm::try_from("EdDSA".to_owned()).expect("known");
        let state = |body: Value| State::of(&parse(body.to_string().as_bytes(), algorithm).ok_or_else(String::new));
        assert_eq!(state(json!({"keys": []})), State::Empty);
        assert_eq!(state(json!({"keys": [{"kty": "oct", "k": KEY}]})), State::Empty);
        assert_eq!(state(json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": KEY}]})), State::Usable);
        assert_eq!(state(json!({})), State::Failing);
    }

    #[test]
    fn keys_for_other_purposes_are_passed_over() {
        let [x, n] = [KEY, "wJbE"];
        let okp = |change: Value| {
            let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
            key.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            key
        };
        let count = |algorithm: &str, keys: Value| {
            let algorithm = SigningAlgorithm::try_from(algorithm.to_owned()).expect("known");
            parse(&serde_json::to_vec(&json!({"keys": keys})).expect("JSON"), algorithm).map(|keys| keys.len())
        };
        for good in [
            json!({}),
            json!({"kid": "1", "use": "sig", "alg": "EdDSA"}),
            json!({"alg": "Ed25519"}),
            json!({"key_ops": ["verify"]}),
            json!({"x5c": ["MII"], "x5t#S256": "a", "other": {"a": 1}}),
        ] {
            assert_eq!(count("EdDSA", json!([okp(good.clone())])), Some(1), "{good}");
        }
        for foreign in [
            okp(json!({"use": "enc"})),
            okp(json!({"crv": "X25519"})),
            okp(json!({"x": 7})),
            json!({"kty": "oct", "k": x}),
            json!({"kty": "RSA", "n": n, "e": "AQAB"}),
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": x}),
            json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": x}),
            json!("a text"),
        ] {
            assert_eq!(count("EdDSA", json!([foreign, okp(json!({}))])), Some(1), "{foreign}");
        }
        let rsa = |alg: &str| json!([{"kty": "RSA", "n": n, "e": "AQAB", "alg": alg}]);
        assert_eq!((count("RS256", rsa("RS256")), count("RS256", rsa("RS512"))), (Some(1), Some(0)));
        assert_eq!((count("RS256", rsa("RSA-OAEP")), count("RS256", json!({}))), (Some(0), None));
        // A secret in a public list is none.
        assert_eq!(count("HS256", json!([{"kty": "oct", "k": x}])), Some(0));
    }
}
