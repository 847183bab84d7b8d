//! CPU time of the servers, of the load and of all others between two moments.

use std::time::{Duration, Instant};

use super::Result;
use super::machine::{busy, cores, cpu_of};
use super::process::Process;

/// CPU time spent so far.
#[derive(Clone, Copy)]
pub struct Cpu {
    at: Instant,
    nodes: Duration,
    redis: Duration,
    load: Duration,
    busy: Duration,
}

/// CPU time spent between two moments.
#[derive(Clone, Copy)]
pub struct Spent {
    pub elapsed: Duration,
    pub nodes: Duration,
    pub redis: Duration,
    pub load: Duration,
    /// Share of the machine that other processes took.
    pub others: f64,
}

impl Cpu {
    pub fn now(nodes: &[Process], redis: &[Process]) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            nodes: sum(nodes)?,
            redis: sum(redis)?,
            load: cpu_of(std::process::id())?,
            busy: busy()?,
        })
    }

    /// What was spent from an earlier moment until this one.
    pub fn since(&self, before: &Self) -> Result<Spent> {
        let (nodes, redis, load) = (self.nodes - before.nodes, self.redis - before.redis, self.load - before.load);
        let elapsed = self.at - before.at;
        let others = (self.busy - before.busy).saturating_sub(nodes + redis + load);
        let others = others.as_secs_f64() / elapsed.as_secs_f64() / cores()? as f64;
        Ok(Spent { elapsed, nodes, redis, load, others })
    }
}

fn sum(processes: &[Process]) -> Result<Duration> {
    processes.iter().map(|process| cpu_of(process.pid())).sum()
}

impl Spent {
    /// Part of a CPU time for each of `count` things, in µs.
    pub fn us_each(time: Duration, count: usize) -> f64 {
        time.as_secs_f64() * 1e6 / count as f64
    }

    /// CPU µs per second.
    pub fn us_a_second(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.elapsed.as_secs_f64()
    }
}
