//! What the ways to Redis cost: plain, over TLS, and with each write waiting for a replica. All rows have the same Redis
//! and the same replica behind it; only the node differs.

use std::process::Command;

use crate::common::load::Load;
use crate::common::page::publish;
use crate::common::process::{Process, Scratch, free_port, prepare_this_process};
use crate::common::table::{Table, thousands};
use crate::common::{Result, on_one_thread};
use crate::extent::Extent;
use crate::measure::over_http;
use crate::operation::Operation;
use crate::rig::{CONNECTIONS, Rig};
use crate::round::Round;
use crate::world::World;

/// A way from the node to Redis.
struct Link {
    title: &'static str,
    node: Process,
}

/// An operation and how many requests of it are under way.
const LOADS: [(Operation, usize); 4] = [
    (Operation::SendRoom, CONNECTIONS),
    (Operation::SendRoom, 1),
    (Operation::History, CONNECTIONS),
    (Operation::Heartbeat, CONNECTIONS),
];

/// Measures, prints and returns the table.
pub fn run(extent: &Extent) -> Result<String> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    make_certificate(&scratch)?;
    let port = free_port()?.to_string();
    let (cert, key) = (path(&scratch, "cert.pem"), path(&scratch, "key.pem"));
    let tls = ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let rig = Rig::start_in(scratch, &tls)?;
    let _replica = rig.replica()?;
    let links = start_links(&rig, &format!("rediss://127.0.0.1:{port}/0"), &cert)?;
    let text = on_one_thread(measure(&rig, &links, extent))?;
    publish(&text, "links.md")?;
    Ok(text)
}

fn path(scratch: &Scratch, name: &str) -> String {
    scratch.0.join(name).to_string_lossy().into_owned()
}

/// Makes a certificate that is its own authority.
fn make_certificate(scratch: &Scratch) -> Result<()> {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench \
                     -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                     -keyout key.pem -out cert.pem";
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(&scratch.0).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("openssl: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn start_links(rig: &Rig, tls_url: &str, ca: &str) -> Result<Vec<Link>> {
    let no_limits = ("LIMITS__ENABLED", "false");
    let tls = [("REDIS__URL", tls_url), ("REDIS__TLS_CA", ca)];
    let waits = ("REDIS__DURABILITY", "replicas:1");
    let link = |title, name, settings: &[(&str, &str)]| -> Result<Link> {
        Ok(Link { title, node: rig.another_node(name, settings)? })
    };
    Ok(vec![
        link("plain", "plain", &[no_limits])?,
        link("TLS", "tls", &[no_limits, tls[0], tls[1]])?,
        link("plain, `replicas:1`", "replicas", &[no_limits, waits])?,
        link("TLS, `replicas:1`", "tls-replicas", &[no_limits, tls[0], tls[1], waits])?,
    ])
}

async fn measure(rig: &Rig, links: &[Link], extent: &Extent) -> Result<String> {
    let world = World::make(rig).await?;
    let rows = || LOADS.iter().flat_map(|load| links.iter().map(move |link| (load, link)));
    let mut measured: Vec<Vec<Round>> = rows().map(|_| Vec::new()).collect();
    for number in 1..=extent.rounds {
        for (((operation, at_once), link), rounds) in rows().zip(&mut measured) {
            let mut requests = operation.requests(&world).await?;
            requests.truncate(*at_once);
            let load = Load::closed(link.node.port, requests, operation.status(), extent.growth_round);
            let round = over_http(&link.node, Some(&rig.redis), load).await?;
            eprintln!("  {number}/{} {operation:?} × {at_once}, {}: {:.0}/s", extent.rounds, link.title, round.rate);
            rounds.push(round);
        }
    }
    let mut table = Table::new(&[
        "operation",
        "under way",
        "way to Redis",
        "a second",
        "p50 ms",
        "p99 ms",
        "node µs",
        "Redis µs",
        "sum µs",
    ]);
    for (((operation, at_once), link), rounds) in rows().zip(&measured) {
        let Round { rate, p50_ms, p99_ms, node_us, redis_us, .. } = Round::median(rounds);
        table.add(vec![
            operation.word().to_owned(),
            at_once.to_string(),
            link.title.to_owned(),
            thousands(rate as u64),
            format!("{p50_ms:.2}"),
            format!("{p99_ms:.2}"),
            format!("{node_us:.1}"),
            format!("{redis_us:.1}"),
            format!("{:.1}", node_us + redis_us),
        ]);
    }
    Ok(table.text())
}
