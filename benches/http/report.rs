//! The tables.

use crate::common::Result;
use crate::common::machine::{description, redis_version};
use crate::common::table::{Table, thousands};
use crate::extent::Extent;
use crate::measure::{ListMetrics, Metrics, Subject};
use crate::operation::Operation;
use crate::rig::CONNECTIONS;
use crate::round::Round;

/// Everything that was measured.
pub struct Report {
    extent: &'static Extent,
    /// The first table.
    pub rows: Vec<Metrics>,
    pub growth: Vec<Growth>,
}

/// What was measured at one size.
pub struct Growth {
    pub size: u64,
    pub rows: Vec<Metrics>,
    pub lists: Vec<ListMetrics>,
}

/// The lower limits that the others are compared with.
struct Raw {
    bare_us: f64,
    script_16_us: f64,
    script_1_us: f64,
}

impl Report {
    pub fn new(extent: &'static Extent) -> Self {
        Self { extent, rows: Vec::new(), growth: Vec::new() }
    }

    pub fn markdown(&self) -> Result<String> {
        let (rounds, secs) = (self.extent.rounds, self.extent.round.as_secs_f64());
        let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let (machine, redis) = (description()?, redis_version()?);
        let others = self.others() * 100.0;
        let build = if cfg!(debug_assertions) { "DEBUG build" } else { "release build" };
        let about = format!(
            "{date} · {machine}, Redis {redis}, {build} · {CONNECTIONS} connections, medians of {rounds} rounds \
             of {secs} s · other processes took {others:.0} % of the machine meanwhile"
        );
        Ok(format!("{about}\n\n{}\n{}\n{}", self.main_table()?, self.growth_table(), self.list_table()))
    }

    /// The mean share of the machine that other processes took.
    fn others(&self) -> f64 {
        let shares: Vec<f64> = self.rows.iter().filter_map(|row| row.median.others).collect();
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    fn main_table(&self) -> Result<String> {
        let raw = self.raw()?;
        let mut table = Table::new(&[
            "operation",
            "a second",
            "p50 ms",
            "p99 ms",
            "node µs",
            "Redis µs",
            "sum µs (rounds)",
            "aim µs",
            "node ÷ bare",
            "Redis ÷ script 16/1",
        ]);
        for row in &self.rows {
            table.add(main_row(row, &raw));
        }
        Ok(table.text())
    }

    fn raw(&self) -> Result<Raw> {
        let median = |subject| -> Result<Round> {
            let row = self.rows.iter().find(|row| row.subject == subject);
            Ok(row.ok_or("a lower limit was not measured")?.median)
        };
        Ok(Raw {
            bare_us: median(Subject::BareServer)?.node_us,
            script_16_us: median(Subject::Script { per_write: 16 })?.redis_us,
            script_1_us: median(Subject::Script { per_write: 1 })?.redis_us,
        })
    }

    fn growth_table(&self) -> String {
        let titles: Vec<String> = self.growth.iter().map(|growth| thousands(growth.size)).collect();
        let heads: Vec<&str> =
            std::iter::once("node + Redis µs, at a size of").chain(titles.iter().map(String::as_str)).collect();
        let mut table = Table::new(&heads);
        for operation in Operation::GROWTH {
            let cell = |growth: &Growth| {
                let row = growth.rows.iter().find(|row| row.subject == Subject::Http(operation));
                row.map_or(String::new(), |row| format!("{:.1} + {:.1}", row.median.node_us, row.median.redis_us))
            };
            let cells = self.growth.iter().map(cell);
            table.add(std::iter::once(operation.plain_title().to_owned()).chain(cells).collect());
        }
        table.text()
    }

    fn list_table(&self) -> String {
        let mut table =
            Table::new(&["whole list", "size", "entries", "KB", "node ms", "Redis ms", "p50 ms", "µs an entry"]);
        for growth in &self.growth {
            for list in &growth.lists {
                let Round { node_us, redis_us, p50_ms, .. } = list.median;
                table.add(vec![
                    list.title.to_owned(),
                    thousands(growth.size),
                    thousands(list.entries as u64),
                    thousands(list.bytes as u64 / 1000),
                    format!("{:.1}", node_us / 1000.0),
                    format!("{:.1}", redis_us / 1000.0),
                    format!("{p50_ms:.1}"),
                    format!("{:.1}", (node_us + redis_us) / list.entries as f64),
                ]);
            }
        }
        table.text()
    }
}

fn main_row(row: &Metrics, raw: &Raw) -> Vec<String> {
    let Round { rate, p50_ms, p99_ms, node_us, redis_us, .. } = row.median;
    let sum = format!("{:.1} ({:.1}–{:.1})", node_us + redis_us, row.range_us.0, row.range_us.1);
    let mut cells = vec![title(row.subject), thousands(rate as u64), format!("{p50_ms:.2}"), format!("{p99_ms:.2}")];
    let (node, redis) = (format!("{node_us:.1}"), format!("{redis_us:.1}"));
    let none = String::new;
    cells.extend(match row.subject {
        Subject::BareServer => [node, none(), sum, none(), "1.0".to_owned(), none()],
        Subject::Script { .. } => [none(), redis, sum, none(), none(), none()],
        Subject::Http(operation) => {
            let to_script = match operation.is_send() {
                true => format!("{:.1} / {:.1}", redis_us / raw.script_16_us, redis_us / raw.script_1_us),
                false => none(),
            };
            [node, redis, sum, operation.aim().to_owned(), format!("{:.1}", node_us / raw.bare_us), to_script]
        }
    });
    cells
}

fn title(subject: Subject) -> String {
    match subject {
        Subject::BareServer => "bare server".to_owned(),
        Subject::Script { per_write: 1 } => "bare script, one call to a write".to_owned(),
        Subject::Script { per_write } => format!("bare script, {per_write} calls to a write"),
        Subject::Http(operation) => operation.title().to_owned(),
    }
}
