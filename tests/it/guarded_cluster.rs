//! A Redis Cluster that speaks TLS, and a user of it with the rights that `docs/operations.md` lists, or with fewer.

use std::path::Path;
use std::process::Command;

use tokio::task::block_in_place;

use crate::process::external;
use crate::redis_cluster::forming::{Place, arguments, form};
use crate::rights::{LOGIN, admit, documented_rights, refused, use_everything, without};
use crate::support::{Redis, World, free_port, scratch};
use crate::tls::Certificates;

const MASTERS: usize = 3;

/// Masters that speak TLS with nodes and with each other.
struct GuardedCluster {
    servers: Vec<Redis>,
    /// Ports for TLS.
    ports: Vec<u16>,
}

impl GuardedCluster {
    fn start(certificates: &Certificates) -> Self {
        let (mut servers, mut places) = (Vec::new(), Vec::new());
        for _ in 0..MASTERS {
            let (port, bus) = (free_port(), free_port());
            let mut all = arguments(&scratch(), bus);
            all.extend(certificates.arguments("server", port, "no"));
            all.extend(["--tls-cluster", "yes", "--cluster-node-timeout", "60000"].map(str::to_owned));
            let server = Redis::start(&all.iter().map(String::as_str).collect::<Vec<_>>());
            places.push(Place { port: server.port(), announced: (port, bus) });
            servers.push(server);
        }
        form(&places, MASTERS);
        Self { servers, ports: places.iter().map(|place| place.announced.0).collect() }
    }

    fn admit(&self, rights: &[String]) {
        self.servers.iter().for_each(|server| admit(server, rights));
    }

    fn url(&self) -> String {
        let all = self.ports.iter().map(|port| format!("rediss://{LOGIN}@127.0.0.1:{port}"));
        all.collect::<Vec<_>>().join(",")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_suffice_over_tls_in_a_cluster() {
    let certificates = Certificates::make();
    let cluster = block_in_place(|| GuardedCluster::start(&certificates));
    cluster.admit(&documented_rights());
    let world = World::start_with(2, &cluster.url(), |config| {
        config.redis.prefix = "cw:".to_owned();
        config.redis.tls_ca = certificates.path("ca.pem");
        config.stats.report_ms = 100;
    })
    .await;
    use_everything(&world).await;
    world.stop().await;
    for server in &cluster.servers {
        assert_eq!(refused(server), Vec::<String>::new());
    }
}

/// Runs a node that cannot start: its exit code and what it prints.
fn start(cluster: &GuardedCluster, ca: &Path, mode: &str, folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chinwag"))
        .envs(external(&cluster.url()))
        .env("CHINWAG_REDIS__PREFIX", "cw:")
        .env("CHINWAG_REDIS__MODE", mode)
        .env("CHINWAG_REDIS__TLS_CA", ca)
        .env("CHINWAG_DATA__DIR", folder)
        .env("CHINWAG_SERVER__PORT", "0")
        .output()
        .expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_missing_right_to_what_a_cluster_needs_ends_the_start_with_one_line_that_names_it() {
    let (certificates, folder) = (Certificates::make(), scratch());
    let cluster = GuardedCluster::start(&certificates);
    let (ca, other) = (certificates.path("ca.pem"), certificates.path("other.pem"));
    let fails = |case: &str, ca: &Path, mode: &str, reasons: [&str; 2]| {
        let (code, errors) = start(&cluster, ca, mode, &folder);
        assert_eq!(code, Some(2), "{case}: {errors}");
        assert!(reasons.iter().all(|reason| errors.contains(reason)), "{case}: {errors}");
        assert_eq!(errors.lines().filter(|line| line.contains("\"ERROR\"")).count(), 1, "{case}: {errors}");
    };
    let denies = "denies a right";
    for (missing, named) in [
        ("+cluster|slots", "cluster|slots"),
        ("+ssubscribe", "'ssubscribe'"),
        ("+sunsubscribe", "'sunsubscribe'"),
        ("+spublish", "'spublish'"),
        ("+asking", "'asking'"),
        ("+script|load", "script"),
        ("&cw:*", "channel"),
    ] {
        cluster.admit(&without(&[missing]));
        fails(missing, &ca, "auto", [denies, named]);
        // On one of the servers alone.
        cluster.admit(&documented_rights());
        admit(&cluster.servers[1], &without(&[missing]));
        if missing != "+cluster|slots" {
            fails(missing, &ca, "cluster", [denies, named]);
        }
    }
    cluster.admit(&without(&["+info"]));
    fails("+info", &ca, "auto", ["is the address of a Redis Cluster", "redis.mode"]);
    cluster.admit(&documented_rights());
    redis::cmd("ACL").arg("DELUSER").arg("chinwag").exec(&mut cluster.servers[1].connection()).expect("deleted");
    fails("no user on one server", &ca, "auto", ["refuses the user name or the password", "127.0.0.1"]);
    cluster.admit(&documented_rights());
    fails("another authority", &other, "auto", ["TLS with Redis", "invalid peer certificate"]);
}
