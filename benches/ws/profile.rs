//! `perf` on a node and on Redis while one shape runs.

use crate::common::process::{Scratch, prepare_this_process};
use crate::common::profile::{LOAD_DURATION, Recording};
use crate::common::{Result, on_one_thread};
use crate::drive::drive;
use crate::servers::Servers;
use crate::shape::Shape;
use crate::subject::Subject;
use crate::world::World;

/// Prints where the time of one shape goes, function by function.
pub fn run(shape: &Shape, subject: Subject) -> Result<()> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    let recordings = on_one_thread(record(Servers::start(subject, &scratch.0)?, shape))?;
    let what = format!("{}, {}", subject.title(), shape.title);
    recordings.into_iter().try_for_each(|recording| recording.print(&what))
}

async fn record(servers: Servers, shape: &Shape) -> Result<Vec<Recording>> {
    let world = World::make(servers, shape.rooms * shape.sockets).await?;
    let mut recordings = Vec::new();
    let outcome = drive(&world, shape, LOAD_DURATION, || {
        if recordings.is_empty() {
            recordings.push(Recording::start(&world.servers.nodes[0], "node", "perf-ws")?);
            if let Some(redis) = &world.servers.redis {
                recordings.push(Recording::start(redis, "redis", "perf-ws")?);
            }
        }
        Ok(())
    })
    .await?;
    eprintln!("{:.0} deliveries a second while profiled", outcome.count as f64 / outcome.elapsed.as_secs_f64());
    Ok(recordings)
}
