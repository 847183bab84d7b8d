//! What the dashboard costs: Redis commands, counted by Redis itself, bytes and time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::budgets::{calls, reset};
use crate::dashboard::{last, operator, sum};
use crate::support::{Redis, User, World, eventually};

/// What a report asks of Redis; each once.
const REPORT: [&str; 5] = ["set", "zadd", "zremrangebyscore", "hset", "expire"];

#[tokio::test]
async fn a_report_is_five_commands_and_a_look_costs_the_same_for_any_number_of_rooms() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| {
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
    assert_eq!(costs[0], BTreeMap::from([("get", 2), ("hmget", 10), ("zcount", 17), ("zrangebyscore", 1)].map(named)));
    assert_eq!(costs[0], costs[1]);

    // Ten operators are one but for their roles.
    reset(&redis);
    for _ in 0..10 {
        operator.metrics(0, "range=6h").await;
    }
    let readings = calls(&redis).get("zrangebyscore").copied().unwrap_or(0);
    assert!(readings <= 2, "{readings} readings in a second");

    reset(&redis);
    eventually("some reports", async || calls(&redis).get("set").is_some_and(|count| *count >= 3)).await;
    let mut cost = calls(&redis);
    let reports = cost["set"];
    for name in REPORT {
        assert_eq!(cost.remove(name), Some(reports), "{name}");
    }
    // Once in a while the users online are counted.
    assert!(cost.keys().all(|name| matches!(name.as_str(), "get" | "zcount" | "zrange" | "zrangebyscore")), "{cost:?}");
    world.stop().await;
}

/// The least that a look costs of several: what the node does by itself meanwhile only adds.
async fn look_cost(redis: &Redis, operator: &User<'_>, range: &str) -> BTreeMap<String, u64> {
    let mut least: Option<BTreeMap<String, u64>> = None;
    for node in 1..=5 {
        // Each looks at another node: the same picture is remembered for a second.
        reset(redis);
        operator.metrics(0, &format!("range={range}&node={node:08x}")).await;
        let mut cost = calls(redis);
        cost.retain(|name, _| !REPORT.contains(&name.as_str()));
        let total = |cost: &BTreeMap<String, u64>| cost.values().sum::<u64>();
        least = Some(least.filter(|least| total(least) <= total(&cost)).unwrap_or(cost));
    }
    least.expect("five looks")
}

fn named((name, count): (&str, u64)) -> (String, u64) {
    (name.to_owned(), count)
}

/// A minute of a node that is busy with everything, as it is stored.
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

/// Fills a day with busy minutes of three nodes and prints what it takes and what a look at it costs.
#[tokio::test]
async fn a_day_of_three_busy_nodes_takes_little() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |_| {}).await;
    let operator = operator(&world).await;
    let (prefix, mut connection) = (world.config.redis.prefix.clone(), redis.connection());
    let now = operator.metrics(0, "range=1h").await["now_ms"].as_u64().expect("a time") / 60_000;
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
    reset(&redis);
    let asked_at = std::time::Instant::now();
    let shown = operator.metrics(0, "range=24h").await;
    println!("a look at a day takes {:?} in this build, {} bytes", asked_at.elapsed(), shown.to_string().len());
    let info: String = redis::cmd("INFO").arg("commandstats").query(&mut connection).expect("read");
    for line in
        info.lines().filter(|line| line.contains("hgetall") || line.contains("zcount") || line.contains("_info"))
    {
        println!("{line}");
    }
    // The last of the steps has one to ten minutes.
    assert!(sum(&shown, "messages") > 3 * 1431 * 48_211);
    assert_eq!(last(&shown, "sockets_webchat"), 3 * 4012);
    // Hours that are over are remembered for a minute: beside the role only the present and the last one are read.
    reset(&redis);
    let asked_at = std::time::Instant::now();
    operator.metrics(0, "range=6h").await;
    println!("the next one takes {:?}", asked_at.elapsed());
    assert_eq!(calls(&redis)["hgetall"], 3);
    world.stop().await;
}
