//! The tables, and the bounds that fail the run.

use std::time::Duration;

use crate::attack::Answers;
use crate::common::Result;
use crate::common::machine::{description, redis_version};
use crate::common::statistics::percentile_ms;
use crate::common::table::{Table, thousands};
use crate::honest::{Series, Times};
use crate::memory::{Level, Usage};

/// By how much the 99th percentile of an honest message may grow.
const MOST_DELAY_MS: f64 = 100.0;
/// Memory that a node may reach, and that Redis may take beyond what it had. The latter is about what five users may
/// write in a minute: 20 messages a second and 100 at once, of 16 KiB each, twice that with the lists of them.
const MOST_NODE_KB: u64 = 512 * 1024;
const MOST_REDIS_GROWTH_KB: u64 = 256 * 1024;
/// Kinds of answers in a row of the table.
const SHOWN_ANSWERS: usize = 6;

/// Everything that was measured.
pub struct Report {
    pub duration: Duration,
    pub quiet: Times,
    pub flooded: Times,
    pub answers: Answers,
    pub memory: Usage,
}

impl Report {
    pub fn markdown(&self) -> Result<String> {
        let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let build = if cfg!(debug_assertions) { "DEBUG build" } else { "release build" };
        let about = format!(
            "{date} · {}, Redis {}, {build} · {} s of quiet, {} s of flood from five accounts",
            description()?,
            redis_version()?,
            self.duration.as_secs(),
            self.duration.as_secs()
        );
        let tables = [self.honest_table(), self.memory_table(), self.answers_table()];
        Ok(format!("{about}\n\n{}", tables.join("\n")))
    }

    /// Fails when a bound is broken.
    pub fn check(&self) -> Result<()> {
        let mut broken = Vec::new();
        for series in Series::ALL.into_iter().filter(|series| *series != Series::Late) {
            let delay = percentile(&self.flooded, series, 0.99) - percentile(&self.quiet, series, 0.99);
            if delay > MOST_DELAY_MS {
                broken.push(format!("{}: {delay:.0} ms more", title(series)));
            }
        }
        let Times { refused, lost, .. } = self.flooded;
        if refused + lost > 0 {
            broken.push(format!("of honest users {refused} messages were refused and {lost} answers or pushes lost"));
        }
        let Usage { node, redis, .. } = self.memory;
        if node.peak > MOST_NODE_KB {
            broken.push(format!("the node took {} MB", mb(node.peak)));
        }
        if redis.peak - redis.before > MOST_REDIS_GROWTH_KB {
            broken.push(format!("Redis took {} MB more", mb(redis.peak - redis.before)));
        }
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ").into()) }
    }

    fn honest_table(&self) -> String {
        let heads = ["honest users", "quiet: times", "p50 ms", "p99 ms", "most ms"];
        let mut heads = heads.to_vec();
        heads.extend(["flood: times", "p50 ms", "p99 ms", "most ms"]);
        let mut table = Table::new(&heads);
        for series in Series::ALL {
            let cells = [&self.quiet, &self.flooded].into_iter().flat_map(|times| phase_cells(times, series));
            table.add(std::iter::once(title(series).to_owned()).chain(cells).collect());
        }
        table.text()
    }

    fn memory_table(&self) -> String {
        let mut table = Table::new(&["memory and disk", "before MB", "peak MB", "30 s after MB", "written to disk MB"]);
        let Usage { node, redis, node_disk, redis_disk } = self.memory;
        for (name, level, disk) in [("node", node, node_disk), ("Redis", redis, redis_disk)] {
            let Level { before, peak, after } = level;
            table.add(vec![name.to_owned(), mb(before), mb(peak), mb(after), thousands(disk / 1_000_000)]);
        }
        table.text()
    }

    fn answers_table(&self) -> String {
        let mut table = Table::new(&["flood", "tries", "what became of them"]);
        for (kind, outcomes) in &self.answers.0 {
            let mut outcomes: Vec<(&String, &u64)> = outcomes.iter().collect();
            outcomes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let tries = outcomes.iter().map(|(_, count)| **count).sum();
            let shown = outcomes.iter().take(SHOWN_ANSWERS);
            let shown: Vec<String> =
                shown.map(|(outcome, count)| format!("{outcome}: {}", thousands(**count))).collect();
            table.add(vec![kind.clone(), thousands(tries), shown.join(", ")]);
        }
        table.text()
    }
}

fn title(series: Series) -> &'static str {
    match series {
        Series::HttpAnswered => "send over HTTP, answer",
        Series::HttpHeard => "send over HTTP, other's push",
        Series::SocketEchoed => "send over a socket, own push",
        Series::SocketHeard => "send over a socket, other's push",
        Series::Late => "(their own timers were late by)",
    }
}

fn phase_cells(times: &Times, series: Series) -> Vec<String> {
    let mut cells = vec![thousands(times.of(series).len() as u64)];
    cells.extend([0.5, 0.99, 1.0].map(|share| format!("{:.1}", percentile(times, series, share))));
    cells
}

fn percentile(times: &Times, series: Series, share: f64) -> f64 {
    match times.of(series) {
        [] => 0.0,
        sorted => percentile_ms(sorted, share),
    }
}

fn mb(kb: u64) -> String {
    thousands(kb / 1024)
}
