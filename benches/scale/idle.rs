//! Sockets without messages on one node: memory, the cost of looking after them, and their return after all were closed.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use crate::common::Result;
use crate::common::cpu::Spent;
use crate::common::machine::memory_kb_of;
use crate::common::people::People;
use crate::common::process::max_sockets;
use crate::common::statistics::{median, percentile_ms};
use crate::common::table::{Table, thousands};
use crate::crowd::{Crowd, Return, possible};
use crate::extent::Extent;
use crate::topology::Topology;

const ROOM: usize = 10;
/// The node has finished the work of opening sockets, and of closing them.
const SETTLED: Duration = Duration::from_secs(3);

/// One node with this number of idle sockets.
struct Idle {
    sockets: usize,
    memory_kb: u64,
    /// CPU µs per second.
    node_us: f64,
    redis_us: f64,
}

/// The return of all sockets that were closed at once; CPU µs per handshake, closing included.
struct Storm {
    node_us: f64,
    redis_us: f64,
    failed_tries: usize,
    handshake_p50_ms: f64,
    handshake_p99_ms: f64,
    back_p50_ms: f64,
    back_p99_ms: f64,
    all_back_ms: f64,
}

/// Measures and returns the tables.
pub async fn measure(dir: &Path, extent: &Extent) -> Result<String> {
    let sizes = possible(&extent.idle)?;
    let most = sizes.iter().copied().max().unwrap_or(0);
    let mut servers = Topology::start(dir, 1, 1)?;
    eprintln!("{most} users and their rooms");
    let people = People::sign_in(servers.nodes[0].port, most).await?;
    people.make_rooms(ROOM, most / ROOM).await?;
    // Memory that a node keeps of earlier work would hide what sockets need.
    servers.restart_nodes(1)?;
    let mut crowd = Crowd::new(servers.nodes[0].port, people, Rc::new(|_| Ok(())));
    let mut rows = Vec::new();
    for sockets in sizes {
        crowd.grow_to(sockets).await?;
        let row = watch(&servers, &crowd, sockets, extent.idle_window).await?;
        eprintln!("  {sockets} idle: {} KB, {:.0} + {:.0} µs/s", row.memory_kb, row.node_us, row.redis_us);
        rows.push(row);
    }
    let storm = make_way(&mut crowd, extent.storm)?;
    let mut storms = Vec::new();
    for _ in 0..extent.rounds {
        let returned = return_of(&servers, &mut crowd, storm).await?;
        let Storm { node_us, redis_us, failed_tries, all_back_ms, .. } = returned;
        eprintln!(
            "  {storm} back in {all_back_ms:.0} ms: {node_us:.0} + {redis_us:.0} µs, {failed_tries} tries failed"
        );
        storms.push(returned);
    }
    Ok(format!("{}\n{}", idle_table(&rows), storm_table(storm, crowd.count(), &storms)))
}

/// Leaves as many sockets as have files left for a storm, in which a socket takes two of them while it is opened. Returns
/// how many can come back.
fn make_way(crowd: &mut Crowd, storm: usize) -> Result<usize> {
    let files = max_sockets()?;
    let storm = storm.min(crowd.count()).min(files / 2);
    crowd.shrink_to(files - storm);
    Ok(storm)
}

async fn watch(servers: &Topology, crowd: &Crowd, sockets: usize, window: Duration) -> Result<Idle> {
    sleep(SETTLED).await;
    let before = servers.cpu()?;
    sleep(window).await;
    let spent = servers.cpu()?.since(&before)?;
    crowd.check()?;
    let (node_us, redis_us) = (spent.us_a_second(spent.nodes), spent.us_a_second(spent.redis));
    Ok(Idle { sockets, memory_kb: memory_kb_of(servers.nodes[0].pid())?, node_us, redis_us })
}

async fn return_of(servers: &Topology, crowd: &mut Crowd, count: usize) -> Result<Storm> {
    let before = servers.cpu()?;
    let returns = crowd.lose_and_return(count).await?;
    sleep(SETTLED).await;
    let spent = servers.cpu()?.since(&before)?;
    let sorted = |time: fn(&Return) -> Duration| {
        let us = |duration: Duration| u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        let mut all: Vec<u32> = returns.iter().map(|back| us(time(back))).collect();
        all.sort_unstable();
        all
    };
    let (handshakes, backs) = (sorted(|back| back.handshake), sorted(|back| back.after));
    Ok(Storm {
        node_us: Spent::us_each(spent.nodes, count),
        redis_us: Spent::us_each(spent.redis, count),
        failed_tries: returns.iter().map(|back| back.failed_tries).sum(),
        handshake_p50_ms: percentile_ms(&handshakes, 0.5),
        handshake_p99_ms: percentile_ms(&handshakes, 0.99),
        back_p50_ms: percentile_ms(&backs, 0.5),
        back_p99_ms: percentile_ms(&backs, 0.99),
        all_back_ms: percentile_ms(&backs, 1.0),
    })
}

/// The cost of a socket is the difference to the row without sockets.
fn idle_table(rows: &[Idle]) -> String {
    let heads = ["idle sockets", "node MB", "KB a socket", "node ms/s", "Redis ms/s", "µs/s a socket"];
    let mut table = Table::new(&heads);
    let base = &rows[0];
    for row in rows {
        let a_socket = |more: f64, digits: usize| match row.sockets {
            0 => String::new(),
            sockets => format!("{:.digits$}", more / sockets as f64),
        };
        let cpu_us = row.node_us + row.redis_us - base.node_us - base.redis_us;
        table.add(vec![
            thousands(row.sockets as u64),
            format!("{:.1}", row.memory_kb as f64 / 1000.0),
            a_socket(row.memory_kb as f64 - base.memory_kb as f64, 1),
            format!("{:.1}", row.node_us / 1000.0),
            format!("{:.1}", row.redis_us / 1000.0),
            a_socket(cpu_us, 2),
        ]);
    }
    table.text()
}

fn storm_table(count: usize, of: usize, storms: &[Storm]) -> String {
    let mut table = Table::new(&[
        "come back",
        "tries that fail",
        "half back s",
        "99 % back s",
        "all back s",
        "handshake p50 ms",
        "p99 ms",
        "node µs",
        "Redis µs",
    ]);
    let median_of = |value: fn(&Storm) -> f64| median(storms.iter().map(value).collect());
    table.add(vec![
        format!("{} of {}", thousands(count as u64), thousands(of as u64)),
        thousands(median_of(|storm| storm.failed_tries as f64) as u64),
        format!("{:.2}", median_of(|storm| storm.back_p50_ms) / 1000.0),
        format!("{:.2}", median_of(|storm| storm.back_p99_ms) / 1000.0),
        format!("{:.2}", median_of(|storm| storm.all_back_ms) / 1000.0),
        format!("{:.0}", median_of(|storm| storm.handshake_p50_ms)),
        format!("{:.0}", median_of(|storm| storm.handshake_p99_ms)),
        format!("{:.0}", median_of(|storm| storm.node_us)),
        format!("{:.0}", median_of(|storm| storm.redis_us)),
    ]);
    table.text()
}
