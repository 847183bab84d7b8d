//! The flood: five accounts that do everything that hurts, over as many connections as they may have, from many addresses.
//!
//! - [`requests`] what they ask over HTTP; [`lane`] how they ask it; [`client`] their connections
//! - [`sockets`] WebSockets that write too much or read nothing; [`raw`] connections that keep to no protocol

mod client;
mod lane;
mod raw;
mod requests;
mod sockets;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::common::process::prepare_this_process;
use crate::common::{Result, on_one_thread};
use crate::world::World;

/// How often each outcome of each kind of abuse was seen.
#[derive(Default)]
pub struct Answers(pub BTreeMap<String, BTreeMap<String, u64>>);

impl Answers {
    /// Reads what [`run`] has printed.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self(serde_json::from_slice(&std::fs::read(path)?)?))
    }
}

/// What the tasks of the flood share.
struct Flood {
    world: World,
    /// What the name of a kind of abuse contains for it to take part.
    kind: String,
    answers: RefCell<Answers>,
}

impl Flood {
    /// Whether a kind of abuse takes part.
    fn has(&self, kind: &str) -> bool {
        kind.contains(&self.kind)
    }

    fn note(&self, kind: &str, outcome: impl Into<String>) {
        self.note_many(kind, outcome, 1);
    }

    fn note_many(&self, kind: &str, outcome: impl Into<String>, count: u64) {
        let mut answers = self.answers.borrow_mut();
        let outcomes = match answers.0.get_mut(kind) {
            Some(outcomes) => outcomes,
            None => answers.0.entry(kind.to_owned()).or_default(),
        };
        *outcomes.entry(outcome.into()).or_default() += count;
    }
}

/// Floods for this long with the kinds whose names contain `kind`, and prints the outcomes as JSON.
pub fn run(world: &Path, duration: Duration, kind: &str) -> Result<()> {
    prepare_this_process()?;
    let world = serde_json::from_slice(&std::fs::read(world)?)?;
    let answers = on_one_thread(flood(world, duration, kind.to_owned()))?;
    println!("{}", serde_json::to_string(&answers.0)?);
    Ok(())
}

async fn flood(world: World, duration: Duration, kind: String) -> Result<Answers> {
    let flood = Rc::new(Flood { world, kind, answers: RefCell::default() });
    let mut tasks = JoinSet::new();
    for account in 0..flood.world.flooders.len() {
        lane::start(&flood, account, &mut tasks);
        sockets::start(&flood, account, &mut tasks);
        raw::start(&flood, account, &mut tasks);
    }
    sleep(duration).await;
    tasks.shutdown().await;
    Ok(flood.answers.take())
}
