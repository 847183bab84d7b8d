//! `perf` on the node and on Redis while one row runs.

use crate::common::load::{Load, drive};
use crate::common::process::Process;
use crate::common::profile::{LOAD_DURATION, Recording};
use crate::common::{Result, on_one_thread};
use crate::operation::Operation;
use crate::rig::Rig;
use crate::world::World;

const SIZE: u64 = 100;

/// Prints where the time of one row goes, function by function.
pub fn run(operation: Operation) -> Result<()> {
    let rig = Rig::start()?;
    let node = if operation.is_limited() { &rig.limited_node } else { &rig.node };
    let recordings = on_one_thread(record(&rig, node, operation))?;
    recordings.into_iter().try_for_each(|recording| recording.print(operation.word()))
}

async fn record(rig: &Rig, node: &Process, operation: Operation) -> Result<Vec<Recording>> {
    let mut world = World::make(rig).await?;
    world.grow_to(SIZE).await?;
    let requests = operation.requests(&world).await?;
    let load = Load::closed(node.port, requests, operation.status(), LOAD_DURATION);
    let mut recordings = Vec::new();
    let outcome = drive(load, || {
        if recordings.is_empty() {
            recordings.push(Recording::start(node, "node", "perf")?);
            recordings.push(Recording::start(&rig.redis, "redis", "perf")?);
        }
        Ok(())
    })
    .await?;
    eprintln!("{:.0} requests a second while profiled", outcome.count as f64 / outcome.elapsed.as_secs_f64());
    Ok(recordings)
}
