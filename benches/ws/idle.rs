//! Sockets without messages: the cost of opening them, and the cost of keeping them open.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::common::Result;
use crate::common::cpu::{Cpu, Spent};
use crate::common::process::max_sockets;
use crate::common::socket::Socket;
use crate::common::statistics::median;
use crate::socket::{keep_alive, open_all};
use crate::subject::Subject;
use crate::world::World;

/// Servers have finished the work of opening sockets.
const SETTLED: Duration = Duration::from_secs(3);
const SETTLED_IN_STORM: Duration = Duration::from_millis(500);
/// Servers have released closed sockets.
const CLOSED: Duration = Duration::from_secs(2);

/// Memory and CPU time with this number of idle sockets. The row without sockets is the base of the others: it has what
/// a runtime allocates at its start, and the periodic work of nodes and Redis.
pub struct Idle {
    pub subject: Subject,
    pub sockets: usize,
    /// Of all nodes, at the end.
    pub memory_kb: u64,
    /// CPU µs per second.
    pub nodes_us: f64,
    pub redis_us: f64,
}

/// The cost of opening a socket; medians of the rounds.
pub struct Storm {
    pub subject: Subject,
    pub sockets: usize,
    /// Sockets per second.
    pub rate: f64,
    pub nodes_us: f64,
    pub redis_us: f64,
}

/// The sizes that the limit of open files allows.
pub fn possible(sizes: &[usize]) -> Result<Vec<usize>> {
    let limit = max_sockets()?;
    let (possible, others): (Vec<usize>, Vec<usize>) = sizes.iter().partition(|size| **size <= limit);
    for size in others {
        eprintln!("not measured: {size} sockets, which need a higher limit of open files (ulimit -Hn)");
    }
    Ok(possible)
}

/// Measures this number of sockets of each subject, on fresh nodes, for `window`. Measures as many subjects at the same
/// time as the limit of open files allows, since they do not disturb each other.
pub async fn idle(worlds: &mut [World], sockets: usize, window: Duration) -> Result<Vec<Idle>> {
    let at_a_time = (max_sockets()? / sockets.max(1)).max(1);
    let mut rows = Vec::new();
    for some in worlds.chunks_mut(at_a_time) {
        rows.extend(idle_together(some, sockets, window).await?);
    }
    Ok(rows)
}

async fn idle_together(worlds: &mut [World], sockets: usize, window: Duration) -> Result<Vec<Idle>> {
    let mut held = JoinSet::new();
    for world in &mut *worlds {
        world.servers.restart_nodes()?;
        let subject = world.servers.subject;
        for socket in open_all(subject, world.targets_in_small_rooms(sockets)?).await? {
            held.spawn_local(hold(subject, socket));
        }
    }
    sleep(SETTLED).await;
    let before = cpu_of_all(worlds)?;
    tokio::select! {
        () = sleep(window) => {}
        Some(ended) = held.join_next() => return Err(format!("an idle socket: {}", ended?).into()),
    }
    let after = cpu_of_all(worlds)?;
    let mut rows = Vec::new();
    for (world, (before, after)) in worlds.iter().zip(before.iter().zip(&after)) {
        let (subject, memory_kb) = (world.servers.subject, world.servers.memory_kb()?);
        let spent = after.since(before)?;
        let (nodes_us, redis_us) = (spent.us_a_second(spent.nodes), spent.us_a_second(spent.redis));
        eprintln!("  {sockets} idle, {subject:?}: {memory_kb} KB, {nodes_us:.0} + {redis_us:.0} µs/s");
        rows.push(Idle { subject, sockets, memory_kb, nodes_us, redis_us });
    }
    held.shutdown().await;
    sleep(CLOSED).await;
    Ok(rows)
}

fn cpu_of_all(worlds: &[World]) -> Result<Vec<Cpu>> {
    worlds.iter().map(|world| world.servers.cpu()).collect()
}

/// Answers pings until an error, which it returns.
async fn hold(subject: Subject, socket: Socket) -> String {
    let Socket { mut reader, writer } = socket;
    let writer = Rc::new(writer);
    loop {
        if let Err(error) = reader.read(|frame| keep_alive(subject, frame, &writer).map(drop)).await {
            return format!("{subject:?}: {error}");
        }
    }
}

/// Opens sockets as fast as they are accepted, `rounds` times with each subject in turn.
pub async fn storms(worlds: &[World], sockets: usize, rounds: usize) -> Result<Vec<Storm>> {
    let mut measured: Vec<Vec<Storm>> = worlds.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (world, storms) in worlds.iter().zip(&mut measured) {
            let storm = storm(world, sockets).await?;
            let Storm { subject, rate, nodes_us, redis_us, .. } = storm;
            eprintln!("  {sockets} opened, {subject:?}: {rate:.0}/s, {nodes_us:.0} + {redis_us:.0} µs");
            storms.push(storm);
        }
    }
    let median_of = |storms: &[Storm], value: fn(&Storm) -> f64| median(storms.iter().map(value).collect());
    let row = |(world, storms): (&World, Vec<Storm>)| Storm {
        subject: world.servers.subject,
        sockets,
        rate: median_of(&storms, |storm| storm.rate),
        nodes_us: median_of(&storms, |storm| storm.nodes_us),
        redis_us: median_of(&storms, |storm| storm.redis_us),
    };
    Ok(worlds.iter().zip(measured).map(row).collect())
}

async fn storm(world: &World, sockets: usize) -> Result<Storm> {
    let subject = world.servers.subject;
    let (targets, before, started) = (world.targets_in_small_rooms(sockets)?, world.servers.cpu()?, Instant::now());
    let opened = open_all(subject, targets).await?;
    let elapsed = started.elapsed();
    sleep(SETTLED_IN_STORM).await;
    let spent = world.servers.cpu()?.since(&before)?;
    drop(opened);
    sleep(CLOSED).await;
    Ok(Storm {
        subject,
        sockets,
        rate: sockets as f64 / elapsed.as_secs_f64(),
        nodes_us: Spent::us_each(spent.nodes, sockets),
        redis_us: Spent::us_each(spent.redis, sockets),
    })
}
