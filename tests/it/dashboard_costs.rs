//! What the dashboard costs: Redis commands and bytes.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::budgets::only;
use crate::command_log::{LoggedRedis, count, record_activity};
use crate::dashboard::{last, operator, sum};
use crate::support::{User, eventually};

/// The commands of a report, in their order.
const REPORT: [&str; 5] = ["set", "zadd", "zremrangebyscore", "hset", "expire"];

#[tokio::test]
async fn a_report_is_five_commands_and_a_look_costs_the_same_for_any_number_of_rooms() {
    let redis = LoggedRedis::start().await;
    let world = redis
        .world(|config| {
            config.stats.report_ms = 200;
            config.limits.enabled = false;
        })
        .await;
    let operator = operator(&world).await;
    let mut costs = Vec::new();
    let mut made = 0;
    for (rooms, range) in [(10, "1h"), (1000, "6h")] {
        while made < rooms {
            made += 1;
            let room = operator.make_room(0, &made.to_string()).await;
            operator.send(0, &room, "x").await;
        }
        let reported = async || {
            let shown = operator.metrics(0, "range=24h").await;
            sum(&shown, "messages") == made && shown["top_rooms"].as_array().is_some_and(|rooms| rooms.len() == 10)
        };
        eventually("all is reported", reported).await;
        let mut cost = look_cost(&redis, &operator, range).await;
        let hours = cost.remove("hgetall").expect("hours") - 1;
        println!("a look at {range}: {cost:?} and {hours} hours");
        costs.push(cost);
    }
    assert_eq!(
        costs[0],
        only(&[("get", 2), ("hmget", 10), ("info", 1), ("zcount", 17), ("zrange", 1), ("zrangebyscore", 1)])
    );
    assert_eq!(costs[0], costs[1]);

    // Ten operators within a second share a reading; only their roles are read for each.
    redis.read();
    let asked_at = Instant::now();
    for _ in 0..10 {
        operator.metrics(0, "range=6h").await;
    }
    let seconds_begun = asked_at.elapsed().as_secs() + 1;
    let readings = of_workers(&redis).get("zrangebyscore").copied().unwrap_or(0);
    assert!(readings <= seconds_begun + 1, "{readings} readings in {seconds_begun} seconds");

    let mut commands = Vec::new();
    eventually("some reports", async || {
        commands.extend(redis.read().into_iter().filter(|command| command.is_of_node && !command.is_periodic()));
        commands.iter().filter(|command| command.name == REPORT[0]).count() >= 5
    })
    .await;
    let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    let mut reports: Vec<&[&str]> = names.chunk_by(|_, next| *next != REPORT[0]).collect();
    // Drops commands before the first report, and the last report, which may be incomplete.
    reports.pop();
    reports.retain(|report| report[0] == REPORT[0]);
    for report in reports {
        let (report, survey) = report.split_at(REPORT.len());
        assert_eq!(report, REPORT);
        // Once a minute the users online are counted, and lost nodes looked for.
        assert!(survey.iter().all(|name| matches!(*name, "get" | "zcount" | "info" | "zrangebyscore")), "{survey:?}");
    }
    world.stop().await;
}

async fn look_cost(redis: &LoggedRedis, operator: &User<'_>, range: &str) -> BTreeMap<String, u64> {
    record_activity(operator).await;
    redis.read();
    operator.metrics(0, &format!("range={range}")).await;
    of_workers(redis)
}

/// The commands of requests since the log was last read.
fn of_workers(redis: &LoggedRedis) -> BTreeMap<String, u64> {
    count(redis.read().iter().filter(|command| !command.is_of_node))
}

/// A stored minute of a node with every kind of activity.
fn busy_minute(number: u64) -> String {
    let pairs =
        |first: u64, count: u64| -> Vec<[u64; 2]> { (first..first + count).map(|n| [n, n * number % 900]).collect() };
    let errors: Vec<Value> =
        (0..8).map(|n| json!([format!("POST /api/v1/rooms/{{room_id}}/members/{n}"), 400 + n, 12])).collect();
    json!({
        "c": [48_211 + number, 1_204_221, 120, 31, 4, 1, 0, 12, 22, 91_012_002], "r": [120, 98_114, 431, 214, 3],
        "s": pairs(8, 22), "d": pairs(1, 26), "x": [[1000, 31], [1001, 40], [1006, 12], [1013, 1]], "e": errors,
        "t": pairs(1_000_000, 20),
        "l": {"o": {"webchat": 4012, "envelope": 800, "messenger": 730, "imtypes": 2201},
            "q": 120_301, "m": 231_211_008, "p": 9012, "u": 60_211, "a": 8012},
    })
    .to_string()
}

/// Fills a day with busy minutes of three nodes.
#[tokio::test]
async fn a_day_of_three_busy_nodes_takes_little() {
    let redis = LoggedRedis::start().await;
    let world = redis.world(|_| {}).await;
    let operator = operator(&world).await;
    let (prefix, mut connection) = (world.config.redis.prefix.clone(), redis.connection());
    // Not asked of the dashboard, which would keep the empty hours.
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970") / 60_000;
    for minute in now - 24 * 60..=now {
        let mut fill = redis::cmd("HSET");
        fill.arg(format!("{prefix}figures:{}", minute / 60));
        for node in 1..=3 {
            fill.arg(format!("{minute}:{node:08x}")).arg(busy_minute(minute % 100 + node));
        }
        fill.exec(&mut connection).expect("stored");
    }
    let hour = format!("{prefix}figures:{}", now / 60 - 1);
    let size: u64 = redis::cmd("MEMORY").arg(&["USAGE", &hour, "SAMPLES", "0"]).query(&mut connection).expect("a size");
    println!("a minute of a busy node takes {} bytes, {} as text", size / 180, busy_minute(50).len());
    assert!(size / 180 < 2048);
    let shown = operator.metrics(0, "range=24h").await;
    // The last step has one to ten minutes.
    assert!(sum(&shown, "messages") > 3 * 1431 * 48_211);
    assert_eq!(last(&shown, "sockets_webchat"), 3 * 4012);
    // Hours that are over are cached for a minute: besides the role only the present and the last hour are read.
    redis.read();
    operator.metrics(0, "range=6h").await;
    assert_eq!(of_workers(&redis)["hgetall"], 3);
    world.stop().await;
}
