//! A push service, and the browsers that subscribe to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::PATIENCE;

/// Statuses that it gives to the next requests for a path. Others get 201.
type Answers = Arc<Mutex<HashMap<String, Vec<u16>>>>;

/// A push service on this machine.
pub struct PushService {
    port: u16,
    requests: mpsc::UnboundedReceiver<Push>,
    answers: Answers,
}

/// A notification as the push service receives it.
pub struct Push {
    pub path: String,
    headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Push {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl PushService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, requests) = mpsc::unbounded_channel();
        let answers = Answers::default();
        let known = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&known)));
            }
        });
        Self { port, requests, answers }
    }

    /// A browser with a subscription of this name.
    pub fn browser(&self, name: &str) -> Browser {
        let mut auth = [0; 16];
        getrandom::fill(&mut auth).expect("random bytes");
        let key = PrivateKey::generate(&ECDH_P256).expect("a key");
        Browser { key, auth, port: self.port, name: name.to_owned() }
    }

    /// Gives these statuses to the next requests for a browser, and then 201.
    pub fn answer(&self, browser: &Browser, statuses: &[u16]) {
        self.answers.lock().expect("no panic").insert(browser.path(), statuses.iter().rev().copied().collect());
    }

    pub async fn next(&mut self) -> Push {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("in time").expect("the service runs")
    }

    /// Nothing more has arrived.
    pub fn assert_quiet(&mut self) {
        assert!(self.requests.try_recv().is_err());
    }
}

async fn serve(stream: TcpStream, sender: mpsc::UnboundedSender<Push>, answers: Answers) {
    let mut stream = BufReader::new(stream);
    while let Some(push) = read(&mut stream).await {
        let status = answers.lock().expect("no panic").get_mut(&push.path).and_then(Vec::pop).unwrap_or(201);
        // The tests need not wait for long.
        let pause = if status >= 429 { "retry-after: 0\r\n" } else { "" };
        let _gone = sender.send(push);
        let answer = format!("HTTP/1.1 {status} Status\r\n{pause}content-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Push> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let path = line.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some(Push { path, headers, body })
}

/// A browser that has subscribed.
pub struct Browser {
    key: PrivateKey,
    auth: [u8; 16],
    port: u16,
    name: String,
}

impl Browser {
    pub fn path(&self) -> String {
        format!("/send/{}", self.name)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path())
    }

    fn public(&self) -> Vec<u8> {
        self.key.compute_public_key().expect("a key").as_ref().to_vec()
    }

    /// The subscription as the server takes it.
    pub fn description(&self) -> Value {
        let (p256dh, auth) = (URL_SAFE_NO_PAD.encode(self.public()), URL_SAFE_NO_PAD.encode(self.auth));
        json!({"endpoint": self.endpoint(), "p256dh": p256dh, "auth": auth})
    }

    /// Checks who has sent a notification (RFC 8292), and decrypts it (RFC 8291).
    pub fn read(&self, push: &Push, server_key: &str) -> Value {
        assert_eq!(push.path, self.path());
        self.check_sender(push.header("authorization"), server_key);
        let (head, record) = push.body.split_at(86);
        let (salt, theirs) = (&head[..16], &head[21..]);
        assert_eq!((&head[16..20], head[20]), (&4096_u32.to_be_bytes()[..], 65));
        let shared = agree(&self.key, UnparsedPublicKey::new(&ECDH_P256, theirs), (), |secret| {
            Ok(expand(&self.auth, secret, &[b"WebPush: info\0", &self.public(), theirs], 32))
        });
        let shared = shared.expect("a key of the curve");
        let key = expand(salt, &shared, &[b"Content-Encoding: aes128gcm\0"], 16);
        let nonce = expand(salt, &shared, &[b"Content-Encoding: nonce\0"], 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("a key"));
        let nonce = Nonce::try_assume_unique_for_key(&nonce).expect("a nonce");
        let mut record = record.to_vec();
        let text = key.open_in_place(nonce, Aad::empty(), &mut record).expect("encrypted for this browser");
        let end = text.iter().rposition(|byte| *byte != 0).expect("an end");
        assert_eq!(text[end], 2, "the last record");
        serde_json::from_slice(&text[..end]).expect("JSON")
    }

    fn check_sender(&self, authorization: &str, server_key: &str) {
        let (token, key) =
            authorization.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("a token and a key");
        assert_eq!(key, server_key);
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let public = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decode(key));
        public.verify(signed.as_bytes(), &decode(signature)).expect("signed by the server");
        let claims: Value = serde_json::from_slice(&decode(signed.split_once('.').expect("claims").1)).expect("JSON");
        assert_eq!(claims["aud"], format!("http://127.0.0.1:{}", self.port));
        assert_eq!(claims["sub"], "mailto:operator@chat.example");
        let remaining_secs = claims["exp"].as_u64().expect("a time") - chinwag::domain::now_ms() / 1000;
        assert!((60..=24 * 60 * 60).contains(&remaining_secs), "{remaining_secs}");
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(salt: &[u8], secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(length)).and_then(|okm| okm.fill(&mut out)).expect("short");
    out
}
