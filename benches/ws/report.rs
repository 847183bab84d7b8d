//! The tables.

use crate::common::Result;
use crate::common::machine::{description, redis_version};
use crate::common::table::{Table, thousands};
use crate::extent::Extent;
use crate::idle::{Idle, Storm};
use crate::measure::{Metrics, Round};
use crate::subject::Subject;

/// Everything that was measured.
pub struct Report {
    pub rows: Vec<Metrics>,
    pub storms: Vec<Storm>,
    pub idle: Vec<Idle>,
    /// Servers that are not installed.
    pub absent: Vec<Subject>,
}

impl Report {
    pub fn markdown(&self, extent: &Extent) -> Result<String> {
        let (rounds, secs) = (extent.rounds, extent.round.as_secs_f64());
        let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let (machine, redis) = (description()?, redis_version()?);
        let others = self.rows.iter().map(|row| row.median.others).sum::<f64>() / self.rows.len().max(1) as f64;
        let build = if cfg!(debug_assertions) { "DEBUG build" } else { "release build" };
        let about = format!(
            "{date} · {machine}, Redis {redis}, {build} · medians of {rounds} rounds of {secs} s · other processes \
             took {:.0} % of the machine meanwhile{}",
            others * 100.0,
            self.absence(),
        );
        let tables = [self.fanout_table(), self.storm_table(), self.idle_table()];
        Ok(format!("{about}\n\n{}", tables.join("\n")))
    }

    fn absence(&self) -> String {
        let titles: Vec<&str> = self.absent.iter().map(|subject| subject.title()).collect();
        match titles.is_empty() {
            true => String::new(),
            false => format!(" · not installed here (`scripts/bench-peers`): {}", titles.join(", ")),
        }
    }

    fn fanout_table(&self) -> String {
        let mut table = Table::new(&[
            "rooms × sockets",
            "server",
            "deliveries a second",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "nodes µs",
            "Redis µs",
            "sum µs (rounds)",
            "÷ ready frames",
            "lost",
            "twice",
            "late",
            "load's core",
        ]);
        for row in &self.rows {
            let is_raw = |other: &&Metrics| other.subject == Subject::Raw && other.shape.word == row.shape.word;
            let raw_us = self.rows.iter().find(is_raw).map(|raw| raw.median.sum_us());
            table.add(fanout_row(row, raw_us));
        }
        table.text()
    }

    fn storm_table(&self) -> String {
        let mut table = Table::new(&["opening", "sockets", "a second", "nodes µs", "Redis µs"]);
        for Storm { subject, sockets, rate, nodes_us, redis_us } in &self.storms {
            table.add(vec![
                subject.title().to_owned(),
                thousands(*sockets as u64),
                thousands(*rate as u64),
                format!("{nodes_us:.0}"),
                redis_cell(*subject, *redis_us, 0),
            ]);
        }
        table.text()
    }

    fn idle_table(&self) -> String {
        let heads = ["idle", "sockets", "nodes MB", "nodes ms/s", "Redis ms/s", "KB a socket", "µs/s a socket"];
        let mut table = Table::new(&heads);
        for row in &self.idle {
            let base = self.idle.iter().find(|base| base.subject == row.subject && base.sockets == 0);
            table.add(idle_row(row, base.filter(|base| base.sockets != row.sockets)));
        }
        table.text()
    }
}

/// The cost of a socket is the difference to the row without sockets.
fn idle_row(row: &Idle, base: Option<&Idle>) -> Vec<String> {
    let Idle { subject, sockets, memory_kb, nodes_us, redis_us } = row;
    let a_socket = |more: f64| more / *sockets as f64;
    let memory = |base: &Idle| a_socket(*memory_kb as f64 - base.memory_kb as f64);
    let cpu = |base: &Idle| a_socket(nodes_us + redis_us - base.nodes_us - base.redis_us);
    vec![
        subject.title().to_owned(),
        thousands(*sockets as u64),
        format!("{:.1}", *memory_kb as f64 / 1000.0),
        format!("{:.1}", nodes_us / 1000.0),
        redis_cell(*subject, redis_us / 1000.0, 1),
        base.map_or(String::new(), |base| format!("{:.1}", memory(base))),
        base.map_or(String::new(), |base| format!("{:.2}", cpu(base))),
    ]
}

fn fanout_row(row: &Metrics, raw_us: Option<f64>) -> Vec<String> {
    let Round { rate, p50_ms, p99_ms, p999_ms, nodes_us, redis_us, load, faults, .. } = row.median;
    vec![
        row.shape.title.to_owned(),
        row.subject.title().to_owned(),
        thousands(rate as u64),
        format!("{p50_ms:.2}"),
        format!("{p99_ms:.2}"),
        format!("{p999_ms:.2}"),
        format!("{nodes_us:.2}"),
        redis_cell(row.subject, redis_us, 2),
        format!("{:.2} ({:.2}–{:.2})", row.median.sum_us(), row.range_us.0, row.range_us.1),
        raw_us.map_or(String::new(), |raw_us| format!("{:.1}", row.median.sum_us() / raw_us)),
        faults.lost.to_string(),
        faults.twice.to_string(),
        faults.late.to_string(),
        format!("{:.0} %", load * 100.0),
    ]
}

fn redis_cell(subject: Subject, us: f64, digits: usize) -> String {
    match subject.has_redis() {
        true => format!("{us:.digits$}"),
        false => String::new(),
    }
}
