//! What an operation costs with more nodes, more Redis masters, more rooms and more users.

use std::path::Path;

use crate::common::Result;
use crate::common::statistics::median;
use crate::common::table::Table;
use crate::extent::Extent;
use crate::operation::Operation;
use crate::site::{Cost, Plan, Round, Site};

/// Rooms and users in the rows about them.
const TIMES: usize = 10;
/// Costs that grow by more are printed in bold.
const MOST_GROWTH: f64 = 1.1;

/// Measures all sites in turn, so that a disturbance of the machine affects all alike. Returns the table.
pub async fn measure(dir: &Path, extent: &Extent) -> Result<String> {
    let mut sites = Vec::new();
    for (index, plan) in plans(extent).into_iter().enumerate() {
        sites.push((Site::make(&dir.join(index.to_string()), plan).await?, Vec::new()));
    }
    for number in 1..=extent.rounds {
        for (site, rounds) in &mut sites {
            let round = site.round(extent.window).await?;
            let costs: Vec<String> = round.costs.iter().map(text).collect();
            eprintln!("  {number}/{} {:?}: {}", extent.rounds, site.plan, costs.join(", "));
            rounds.push(round);
        }
    }
    Ok(table(&sites))
}

/// The first is what the others are compared with.
fn plans(extent: &Extent) -> Vec<Plan> {
    let users_of = |nodes: usize| nodes * extent.users_per_node;
    let plan = |nodes, masters| Plan { nodes, masters, users: users_of(nodes), rooms_each: 1 };
    let mut plans = Vec::new();
    for masters in &extent.masters {
        plans.extend(extent.nodes.iter().map(|nodes| plan(*nodes, *masters)));
    }
    let first = plans[0];
    plans.push(Plan { rooms_each: TIMES * first.rooms_each, ..first });
    plans.push(Plan { users: TIMES * first.users, ..first });
    plans
}

fn table(sites: &[(Site, Vec<Round>)]) -> String {
    let mut heads = vec!["nodes × masters", "users, small rooms"];
    heads.extend(Operation::ALL.map(Operation::title));
    heads.extend(["idle node + master ms/s", "least rate", "servers' core", "others"]);
    let mut table = Table::new(&heads);
    let base = medians(&sites[0].1);
    for (site, rounds) in sites {
        let Plan { nodes, masters, users, rooms_each } = site.plan;
        let mut cells = vec![format!("{nodes} × {masters}"), format!("{users}, {}", users * rooms_each / 10)];
        let costs = medians(rounds);
        cells.extend(costs.iter().zip(&base).map(|(cost, base)| compared(cost, base)));
        let median_of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let idle = (median_of(|round| round.idle_us.0), median_of(|round| round.idle_us.1));
        cells.push(format!("{:.1} + {:.1}", idle.0 / 1000.0, idle.1 / 1000.0));
        let least_rate = costs.iter().map(|cost| cost.answered).fold(1.0, f64::min);
        cells.push(format!("{:.0} %", 100.0 * least_rate));
        cells.push(format!("{:.0} %", 100.0 * costs.iter().map(|cost| cost.core).fold(0.0, f64::max)));
        cells.push(format!("{:.0} %", 100.0 * median_of(|round| round.others)));
        table.add(cells);
    }
    table.text()
}

fn medians(rounds: &[Round]) -> Vec<Cost> {
    let cost = |index: usize| {
        let median_of =
            |value: fn(&Cost) -> f64| median(rounds.iter().map(|round| value(&round.costs[index])).collect());
        Cost {
            nodes_us: median_of(|cost| cost.nodes_us),
            redis_us: median_of(|cost| cost.redis_us),
            core: median_of(|cost| cost.core),
            answered: median_of(|cost| cost.answered),
        }
    };
    (0..Operation::ALL.len()).map(cost).collect()
}

/// A cost with its ratio to that of the first site.
fn compared(cost: &Cost, base: &Cost) -> String {
    let ratio = (cost.nodes_us + cost.redis_us) / (base.nodes_us + base.redis_us);
    let bold = if ratio > MOST_GROWTH { "**" } else { "" };
    format!("{} · {bold}{ratio:.2}{bold}", text(cost))
}

fn text(cost: &Cost) -> String {
    format!("{:.1} + {:.1}", cost.nodes_us, cost.redis_us)
}
