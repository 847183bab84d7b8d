//! The operators' dashboard: the metrics of two nodes on a real Redis.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::bad_frames::Dialect;
use crate::process::{Process, external};
use crate::raw_socket::RawSocket;
use crate::support::{Redis, User, World, answered, eventually, ok, on_cluster, room_id, shared_redis};

/// Two nodes that report often.
async fn world() -> World {
    World::start_with(2, shared_redis(), |config| config.stats.report_ms = 100).await
}

pub async fn operator(world: &World) -> User<'_> {
    let operator = world.user(0, "operator").await;
    world.promote("operator").await;
    operator
}

impl User<'_> {
    /// The data of the dashboard.
    pub async fn metrics(&self, node: usize, query: &str) -> Value {
        self.get_json(node, &format!("/dashboard/figures?{query}")).await
    }

    async fn metrics_status(&self, node: usize, query: &str) -> u16 {
        let (status, body) =
            answered(self.at(node, Method::GET, &format!("/dashboard/figures?{query}")).send().await).await;
        assert_eq!(body["error"].is_string(), status != 200, "{body}");
        status
    }
}

/// The sum of a series.
pub fn sum(shown: &Value, name: &str) -> u64 {
    let series = shown["series"][name].as_array().unwrap_or_else(|| panic!("no series {name}"));
    series.iter().filter_map(Value::as_u64).sum()
}

/// The last value of a series, which is that of the previous minute until the current one is reported.
pub fn last(shown: &Value, name: &str) -> u64 {
    let series = shown["series"][name].as_array().unwrap_or_else(|| panic!("no series {name}"));
    series.iter().rev().find_map(Value::as_u64).unwrap_or_else(|| panic!("{name} ends without a number"))
}

fn ids(shown: &Value) -> Vec<String> {
    let nodes = shown["nodes"].as_array().expect("a list");
    nodes.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}

async fn upload(user: &User<'_>, node: usize, bytes: usize) {
    let part = Part::bytes(vec![b'x'; bytes]).file_name("notes.txt");
    let form = Form::new().part("file", part).text("room_id", "global");
    ok(user.post(node, "upload").multipart(form).send().await).await;
}

#[tokio::test]
async fn both_nodes_count_and_the_metrics_are_of_all_or_of_one() {
    let world = world().await;
    let operator = operator(&world).await;
    let bob = world.user(1, "Bob").await;
    let group = operator.make_group(0, "ops", &["Bob"]).await;
    let mut first = world.webchat(0, &operator, "").await;
    let mut second = world.webchat(1, &bob, "").await;
    let mut third = world.envelope(1, &bob).await;
    for number in 0..5 {
        let payload = json!({"room_id": group, "content": number.to_string()});
        first.send(&json!({"type": "send_message", "payload": payload})).await;
        for socket in [&mut first, &mut second, &mut third] {
            socket.next().await;
        }
    }
    bob.at(1, Method::GET, "/api/chat/messages?room_id=room_00000000").send().await.expect("answered");
    bob.at(1, Method::GET, "/api/v1/nothing").send().await.expect("answered");
    upload(&bob, 1, 1000).await;
    for socket in [&mut first, &mut second, &mut third] {
        socket.next().await; // the file
    }
    third.close().await;
    let nodes: Vec<&str> = world.nodes.iter().map(|node| node.id()).collect();
    let mut shown = Value::Null;
    // A node that misses five reports is not listed until the next one.
    eventually("all is reported", async || {
        shown = operator.metrics(1, "range=1h").await;
        let is_counted = shown["current"]["messages_today"] == 6;
        sum(&shown, "sockets_closed") == 1 && sum(&shown, "deliveries") == 18 && is_counted && ids(&shown) == nodes
    })
    .await;
    let counts = |shown: &Value| -> Vec<u64> {
        ["messages", "deliveries", "sockets_opened", "sockets_closed", "uploads", "upload_bytes", "http_errors_4xx"]
            .map(|name| sum(shown, name))
            .to_vec()
    };
    assert_eq!(counts(&shown), [6, 18, 3, 1, 1, 1000, 2]);
    assert_eq!((last(&shown, "sockets_webchat"), last(&shown, "sockets_envelope")), (2, 0));
    assert_eq!(shown["current"]["sockets"], json!({"webchat": 2, "envelope": 0, "messenger": 0, "imtypes": 0}));
    assert_eq!(shown["current"]["online_users"], 2);
    assert_eq!(shown["closes"], json!([{"code": 1000, "count": 1}]));
    let errors = json!([
        {"route": "GET /api/chat/messages", "status": 404, "count": 1},
        {"route": "GET no route", "status": 404, "count": 1},
    ]);
    let mut shown_errors = shown["errors"].clone();
    // A node is not ready immediately after its start.
    shown_errors.as_array_mut().expect("a list").retain(|error| error["route"] != "GET /health/ready");
    assert_eq!(shown_errors, errors);
    let rooms = shown["top_rooms"].as_array().expect("a list");
    assert_eq!(
        (&rooms[0]["number"], &rooms[0]["name"], &rooms[0]["messages"]),
        (&json!(group), &json!("ops"), &json!(5))
    );
    assert_eq!((&rooms[1]["id"], &rooms[1]["messages"]), (&json!("global"), &json!(1)));
    for quantiles in ["send_ms", "delivery_ms"] {
        let (p50, p99) = (&shown["current"][quantiles]["p50"], &shown["current"][quantiles]["p99"]);
        assert!(p50.as_f64().expect("measured") <= p99.as_f64().expect("measured"), "{shown}");
    }
    assert_eq!((&shown["redis"]["role"], &shown["redis"]["is_embedded"]), (&json!("master"), &json!(false)));
    if !on_cluster() {
        assert_eq!(shown["redis"]["shards"], json!([]));
    }

    // The metrics of one node: first the sender's, then the one with two sockets.
    let of = async |index: usize| operator.metrics(1, &format!("range=24h&node={}", nodes[index])).await;
    assert_eq!(counts(&of(0).await), [5, 6, 1, 0, 0, 0, 0]);
    assert_eq!(counts(&of(1).await), [1, 12, 2, 1, 1, 1000, 2]);
    assert_eq!(of(0).await["top_rooms"], shown["top_rooms"]);
    assert_eq!(of(1).await["current"]["sockets"]["webchat"], 1);
    let nobody = operator.metrics(0, "range=6h&node=00000000").await;
    assert_eq!((sum(&nobody, "messages"), &nobody["node"]), (0, &json!("00000000")));
    let objective = &shown["objective"];
    assert_eq!((&objective["within_ms"], &objective["target_percent"]), (&json!(250), &json!(99.9)));
    for (span, index, deliveries) in [("last_hour", None, 18), ("last_day", None, 18), ("last_day", Some(1), 12)] {
        let of = match index {
            None => objective.clone(),
            Some(index) => of(index).await["objective"].clone(),
        };
        assert_eq!(of[span]["deliveries"], deliveries, "{of}");
        let (percent, burn_rate) = (of[span]["percent"].as_f64(), of[span]["burn_rate"].as_f64());
        assert_eq!(percent == Some(100.0), burn_rate == Some(0.0), "{of}");
    }
    let routes = shown["slow_routes"].as_array().expect("a list");
    // Registering hashes a password, which nothing else takes as long as.
    assert_eq!(
        (routes.len(), routes[0]["p50"].as_f64() <= routes[0]["p99"].as_f64()),
        (routes.len().clamp(3, 10), true)
    );
    let registered = routes.iter().find(|route| route["route"] == "POST /api/v1/auth/register");
    assert!(registered.is_some_and(|route| route["count"] == 2), "{routes:?}");
    world.stop().await;
}

#[tokio::test]
async fn metrics_have_the_agreed_shape() {
    let world = world().await;
    let operator = operator(&world).await;
    for (range, steps, secs) in [("1h", 60, 60), ("6h", 72, 300), ("24h", 144, 600)] {
        let shown = operator.metrics(0, &format!("range={range}")).await;
        assert_eq!((&shown["range"], &shown["step_secs"], &shown["node"]), (&json!(range), &json!(secs), &Value::Null));
        let series = shown["series"].as_object().expect("series");
        assert!(
            series.values().all(|values| values.as_array().is_some_and(|values| values.len() == steps)),
            "{series:?}"
        );
        let names: Vec<&str> = series.keys().map(String::as_str).collect();
        assert_eq!(names.join(" "), SERIES);
        let at_ms = series["at_ms"].as_array().expect("times");
        let at = |index: usize| at_ms[index].as_u64().expect("a time");
        assert_eq!((at(1) - at(0), at(0) % (secs * 1000)), (secs * 1000, 0));
        let now_ms = shown["now_ms"].as_u64().expect("a time");
        assert!((at(steps - 1)..at(steps - 1) + secs * 1000).contains(&now_ms));
    }
    let answer = operator.at(0, Method::GET, "/dashboard/figures?range=1h").send().await.expect("answered");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    world.stop().await;
}

const SERIES: &str = "active_rooms at_ms closed_slow cpu_percent deliveries delivery_p50_ms delivery_p99_ms gap_repairs \
    hook_deliveries hook_failures http_errors_4xx http_errors_5xx http_requests lagging memory_bytes messages online_users pages_from_memory pages_outdated pushes_dropped \
    pushes_failed pushes_sent queued_bytes \
    rate_limited send_p50_ms send_p99_ms sockets_closed sockets_envelope sockets_imtypes sockets_messenger sockets_opened \
    sockets_resumed sockets_webchat upload_bytes uploads worker_panics";

#[tokio::test]
async fn only_administrators_see_metrics() {
    let world = world().await;
    let (operator, bob) = (operator(&world).await, world.user(1, "Bob").await);
    assert_eq!(operator.metrics_status(1, "range=1h").await, 200);
    assert_eq!(bob.metrics_status(0, "range=1h").await, 403);
    let (status, body) = answered(world.client.get(world.url(0, "/dashboard/figures?range=1h")).send().await).await;
    assert_eq!((status, body), (401, json!({"error": "unauthorized"})));
    for query in ["range=2h", "range=", "", "range=1h&node=../x", "range=1h&node=0123456789012345678901234567890123456"]
    {
        assert_eq!(operator.metrics_status(0, query).await, 400, "{query}");
    }
    // Takes effect immediately and with the old token, although metrics are cached for a second.
    world.set_role("operator", chinwag::domain::Role::User).await;
    assert_eq!(operator.metrics_status(0, "range=1h").await, 403);
    world.stop().await;
}

#[tokio::test]
async fn nodes_that_stop_disappear_and_those_that_die_are_lost() {
    let mut world = world().await;
    let operator = operator(&world).await;
    let token = operator.token.clone();
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_REDIS__PREFIX", world.config.redis.prefix.clone()));
    environment.push(("CHINWAG_STATS__REPORT_MS", "100".to_owned()));
    let third = Process::start(&environment, world.folder()).ready(&world.client).await;
    let shown = async |world: &World| {
        let url = world.url(0, "/dashboard/figures?range=1h");
        ok(world.client.get(url).bearer_auth(&token).send().await).await
    };
    eventually("three report", async || ids(&shown(&world).await).len() == 3).await;
    let three = shown(&world).await;
    assert_eq!(three["lost"], json!([]));
    let third_id = ids(&three).into_iter().find(|id| world.nodes.iter().all(|node| node.id() != *id)).expect("three");
    let happened = |shown: &Value, kind: &str| -> Vec<String> {
        let all = shown["incidents"].as_array().expect("a list").iter().filter(|it| it["kind"] == kind);
        all.map(|it| it["subject"].as_str().expect("text").to_owned()).collect()
    };
    let mut started = ids(&three);
    started.sort_unstable();
    eventually("their starts are noted", async || {
        let mut noted = happened(&shown(&world).await, "started");
        noted.sort_unstable();
        noted == started
    })
    .await;
    drop(third); // killed
    eventually("its lease ends", async || ids(&shown(&world).await).len() == 2).await;
    let two = shown(&world).await;
    let killed = ids(&three).into_iter().find(|id| !ids(&two).contains(id)).expect("one of the three");
    let lost = |shown: &Value| -> Vec<Value> { shown["lost"].as_array().expect("a list").clone() };
    assert_eq!(lost(&two).iter().map(|node| &node["id"]).collect::<Vec<_>>(), [&json!(killed)]);
    let (seen, now) = (lost(&two)[0]["seen_ms"].as_u64(), two["now_ms"].as_u64());
    assert!(seen < now && seen > three["now_ms"].as_u64().map(|now| now - 60_000), "{two}");
    let mut socket = world.webchat(1, &operator, "").await;
    let second = world.nodes.pop().expect("two");
    let id = second.id().to_owned();
    second.stop().await;
    assert_eq!(socket.next_or_end().await, Err(Some(1012)));
    // Its counts stay, up to its end.
    let closes = json!([{"code": 1012, "count": 1}]);
    eventually("it has left", async || {
        let shown = shown(&world).await;
        !ids(&shown).contains(&id) && shown["closes"] == closes
    })
    .await;
    let last = shown(&world).await;
    assert_eq!((happened(&last, "left"), happened(&last, "lost")), (vec![id], vec![third_id]));
    // It took its leave, as the other did not.
    assert_eq!(lost(&shown(&world).await), lost(&two));
    world.stop().await;
}

#[tokio::test]
async fn the_page_is_served_with_and_without_its_build() {
    let world = World::start(1).await;
    for path in ["/dashboard", "/dashboard/"] {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"] == "text/html; charset=utf-8"),
            (200, true)
        );
        let is_built = answer.headers().contains_key("content-security-policy");
        let page = answer.text().await.expect("text");
        assert_eq!(page.contains("scripts/build"), !is_built, "{page}");
    }
    world.stop().await;
}

#[tokio::test]
async fn refusals_resumptions_and_cut_connections_are_counted() {
    let world = World::start_with(1, shared_redis(), |config| {
        config.stats.report_ms = 100;
        config.limits.sends_per_sec = 1;
        config.limits.sends_burst = 1;
    })
    .await;
    let operator = operator(&world).await;
    let room = operator.make_group(0, "ops", &[]).await;
    let mut socket = world.webchat(0, &operator, "ext=1").await;
    let say = |text: &str| json!({"type": "send_message", "payload": {"room_id": room, "content": text}});
    socket.send(&say("kept")).await;
    let token = socket.next_of("new_message").await["payload"]["resume"].clone();
    // Each second lets one more through.
    let mut kept = 1;
    socket.send(&say("too much")).await;
    while socket.next().await["type"] != "error" {
        kept += 1;
        socket.send(&say("too much")).await;
    }
    while operator.try_send(0, &room_id(room), "too much").await.expect("answered").status() != 429 {
        kept += 1;
    }
    drop(socket); // without a close frame
    let mut socket = world.webchat(0, &operator, "ext=1").await;
    let rooms = json!({room.to_string(): token});
    socket.send(&json!({"type": "resume", "payload": {"rooms": rooms}})).await;
    socket.next_of("resumed").await;
    eventually("all is reported", async || {
        let shown = operator.metrics(0, "range=1h").await;
        let counted = ["rate_limited", "sockets_resumed", "sockets_opened", "messages"].map(|name| sum(&shown, name));
        let is_noted = shown["incidents"].as_array().is_some_and(|all| all.iter().any(|it| it["kind"] == "limited"));
        is_noted && counted == [2, 1, 2, kept] && shown["closes"] == json!([{"code": 1006, "count": 1}])
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn slow_clients_and_repaired_gaps_are_counted() {
    let redis = Redis::start(&[]);
    let world = World::start_with(1, &redis.url(), |config| {
        config.stats.report_ms = 100;
        config.limits.enabled = false;
        config.limits.behind_secs = 1;
    })
    .await;
    let operator = operator(&world).await;
    let mut sender = world.webchat(0, &operator, "").await;
    let say = |text: &str| json!({"type": "send_message", "payload": {"room_id": 1, "content": text}});
    let narrow = RawSocket::connect_narrow(&world.base(0)).await;
    let slow = Dialect::Webchat.open_over(narrow, &operator.token).await;
    for _ in 0..600 {
        sender.send(&say(&"x".repeat(1200))).await;
        sender.next().await;
    }
    let counted = async |names: [&str; 3]| {
        let shown = operator.metrics(0, "range=1h").await;
        (names.map(|name| sum(&shown, name)), shown["closes"].clone())
    };
    eventually("it is closed", async || {
        let closes = json!([{"code": 1013, "count": 1}]);
        counted(["lagging", "closed_slow", "gap_repairs"]).await == ([1, 1, 0], closes)
    })
    .await;
    drop(slow);

    // Messages sent while the node has no subscription are read from the stream.
    redis::cmd("CLIENT").arg(&["KILL", "TYPE", "PUBSUB"]).exec(&mut redis.connection()).expect("killed");
    operator.send(0, "global", "unheard").await;
    assert_eq!(sender.next().await["payload"]["content"], "unheard");
    eventually("the gap is counted", async || counted(["gap_repairs"; 3]).await.0 == [1; 3]).await;
    world.stop().await;
}
