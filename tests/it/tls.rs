//! TLS with Redis: a private certificate authority, one that is not trusted, and servers that require a client
//! certificate.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::external;
use crate::support::{Redis, World, free_port, scratch};

/// Certificates of a test, made with the `openssl` command.
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    pub fn make() -> Self {
        let certificates = Self { folder: scratch() };
        for authority in ["ca", "other"] {
            certificates.openssl(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
            ));
        }
        certificates.sign("server", "ca", "subjectAltName=IP:127.0.0.1");
        certificates.sign("elsewhere", "ca", "subjectAltName=DNS:elsewhere.example");
        certificates.sign("node", "ca", "extendedKeyUsage=clientAuth");
        certificates
    }

    fn sign(&self, name: &str, authority: &str, extension: &str) {
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        std::fs::write(self.path("extensions"), extension).expect("written");
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 2 \
             -extfile extensions -out {name}.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(&self.folder);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("openssl is installed");
        assert!(status.success(), "openssl {arguments}");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// A Redis with one of the certificates beside its plain port, and its address with TLS.
    fn redis(&self, certificate: &str, asks_clients: &str) -> (Redis, String) {
        let port = free_port();
        let arguments = self.arguments(certificate, port, asks_clients);
        let redis = Redis::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        (redis, format!("rediss://127.0.0.1:{port}"))
    }

    /// The arguments of a Redis that speaks TLS on this port.
    pub fn arguments(&self, certificate: &str, port: u16, asks_clients: &str) -> Vec<String> {
        let file = |name: &str| self.text(&format!("{certificate}.{name}"));
        [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", file("pem")),
            ("--tls-key-file", file("key")),
            ("--tls-ca-cert-file", self.text("ca.pem")),
            ("--tls-auth-clients", asks_clients.to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

#[tokio::test]
async fn a_node_talks_tls_with_a_server_of_its_authority() {
    let certificates = Certificates::make();
    let (_redis, url) = certificates.redis("server", "no");
    let world = World::start_with(2, &url, |config| config.redis.tls_ca = certificates.path("ca.pem")).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let mut socket = world.webchat(1, &bob, "").await;
    alice.send(0, "global", "encrypted").await;
    assert_eq!(socket.next().await["payload"]["content"], "encrypted");
    world.stop().await;
}

/// Address, files of settings, and the refusal.
type Case<'a> = (&'a str, &'a [(&'a str, &'a Path)], &'a str);

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_the_nodes() {
    let certificates = Certificates::make();
    let (_redis, url) = certificates.redis("server", "yes");
    let world = World::start_with(1, &url, |config| {
        config.redis.tls_ca = certificates.path("ca.pem");
        config.redis.tls_cert = certificates.path("node.pem");
        config.redis.tls_key = certificates.path("node.key");
    })
    .await;
    world.user(0, "alice").await.send(0, "global", "mutual").await;
    world.stop().await;
}

/// Runs a node that cannot start: its exit code and what it prints.
fn start(url: &str, settings: &[(&str, &Path)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .envs(external(url))
        .env("CHINWAG_DATA__DIR", scratch())
        .env("CHINWAG_SERVER__PORT", "0")
        .envs(settings.iter().map(|(name, path)| (format!("CHINWAG_REDIS__{name}"), *path)))
        .output()
        .expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn certificates_that_do_not_fit_end_the_start_with_one_line() {
    let certificates = Certificates::make();
    let (_first, url) = certificates.redis("server", "no");
    let (_second, elsewhere) = certificates.redis("elsewhere", "no");
    let (_third, mutual) = certificates.redis("server", "yes");
    let path = |name: &str| certificates.path(name);
    let (ca, other, key, missing) = (path("ca.pem"), path("other.pem"), path("ca.key"), path("missing.pem"));
    let (node, server_key) = (path("node.pem"), path("server.key"));
    let cases: [Case; 8] = [
        (&url, &[("TLS_CA", &other)], "invalid peer certificate"),
        (&url, &[], "invalid peer certificate"),
        (&elsewhere, &[("TLS_CA", &ca)], "invalid peer certificate"),
        (&url, &[("TLS_CA", &missing)], "redis.tls_ca"),
        (&url, &[("TLS_CA", &key)], "holds no certificate"),
        (&mutual, &[("TLS_CA", &ca)], "TLS with Redis"),
        (&mutual, &[("TLS_CA", &ca), ("TLS_CERT", &node), ("TLS_KEY", &server_key)], "keys may not be consistent"),
        (&url, &[("TLS_CA", &ca), ("TLS_CERT", &node)], "redis.tls_key"),
    ];
    for (url, settings, reason) in cases {
        let (code, errors) = start(url, settings);
        assert_eq!(code, Some(2), "{url} {settings:?}: {errors}");
        assert!(errors.contains(reason), "{url} {settings:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{url} {settings:?}: {errors}");
    }
}
