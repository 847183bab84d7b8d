//! Traces for OpenTelemetry, of builds with the feature.

mod collector;

use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::json;

use self::collector::{Collector, Span};
use crate::bad_frames::Dialect;
use crate::support::{User, World, eventually, free_port, ok, room_id, shared_redis};

const CALLER: &str = "b7ad6b7169203331";
/// How long a trace may take. What nodes tell each other may be lost, or be late on a busy machine: then the next message is
/// traced.
const ONE_TRY: Duration = Duration::from_secs(10);

/// A send over HTTP that a caller traces.
fn traced(user: &User<'_>, room: &str, trace: &str, flags: &str) -> RequestBuilder {
    let body = json!({"message_type": "text", "content": "secret", "reply_to": null});
    let header = format!("00-{trace}-{CALLER}-{flags}");
    user.post(0, &format!("send?room_id={room}")).header("traceparent", header).json(&body)
}

/// Two nodes that trace this share of the requests.
async fn world(endpoint: &str, sample_share: f64) -> World {
    World::start_with(2, shared_redis(), |config| {
        config.telemetry.endpoint = endpoint.to_owned();
        config.telemetry.sample_share = sample_share;
        config.telemetry.service_name = "chat".to_owned();
    })
    .await
}

fn new_trace() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn of<'a>(spans: &'a [Span], name: &str, node: &str) -> &'a Span {
    let found = spans.iter().find(|span| span.name == name && span.node == node);
    found.unwrap_or_else(|| panic!("no {name} of {node} in {spans:#?}"))
}

#[tokio::test]
async fn one_trace_leads_from_the_request_over_the_script_to_the_push_on_each_node() {
    let collector = Collector::start().await;
    let world = world(&collector.endpoint(), 0.0).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = room_id(alice.make_group(0, "ops", &["bob"]).await);
    let mut sockets =
        [world.webchat(1, &bob, "").await, world.envelope(1, &bob).await, world.webchat(0, &alice, "").await];
    let mut traces = Vec::new();
    eventually("a message is traced on both nodes", async || {
        let trace = new_trace();
        ok(traced(&alice, &group, &trace, "01").send().await).await;
        for socket in &mut sockets {
            socket.next().await;
        }
        let sent = Instant::now();
        while collector.of(&trace).len() < 4 && sent.elapsed() < ONE_TRY {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let is_complete = collector.of(&trace).len() == 4;
        traces.push(trace);
        is_complete
    })
    .await;
    let spans = collector.of(traces.last().expect("a trace"));
    let (a, b) = (world.nodes[0].id(), world.nodes[1].id());
    let request = of(&spans, "POST /api/chat/send", a);
    assert_eq!((request.parent.as_str(), request.service.as_str()), (CALLER, "chat"));
    assert_eq!(request.attributes["http.response.status_code"], "200");
    assert_eq!(request.attributes["http.route"], "/api/chat/send");
    let script = of(&spans, "store message", a);
    assert_eq!(script.parent, request.id);
    for (node, sockets) in [(a, "1"), (b, "2")] {
        let push = of(&spans, "push", node);
        assert_eq!((&push.parent, push.attributes["sockets"].as_str()), (&script.id, sockets));
        assert_eq!(push.attributes["room.id"], script.attributes["room.id"]);
        assert_eq!(push.attributes["message.id"], script.attributes["message.id"]);
    }
    for span in &spans {
        assert!(span.times.0 <= span.times.1 && !span.has_failed, "{span:?}");
        assert!(!format!("{span:?}").contains("secret"), "{span:?}");
    }

    // What the caller does not sample leaves nothing, nor do requests without a header at this share.
    ok(traced(&alice, &group, &new_trace(), "00").send().await).await;
    let last = new_trace();
    traced(&alice, "global", &last, "01").send().await.expect("answered");
    collector.trace(&last, 1).await;
    traces.push(last);
    world.stop().await;
    let others: Vec<Span> = collector.spans().into_iter().filter(|span| !traces.contains(&span.trace)).collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[tokio::test]
async fn a_send_over_a_socket_begins_a_trace() {
    let collector = Collector::start().await;
    let world = world(&collector.endpoint(), 1.0).await;
    let alice = world.user(0, "alice").await;
    let group = alice.make_group(0, "ops", &[]).await;
    let mut socket = world.webchat(0, &alice, "").await;
    let is_send = |span: &Span| span.name == "WebSocket send";
    let mut spans = Vec::new();
    eventually("a message is traced", async || {
        socket.send_text(Dialect::Webchat.say(group, "hello").to_string()).await;
        socket.next().await;
        let sent = Instant::now();
        while spans.is_empty() && sent.elapsed() < ONE_TRY {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let pushes = collector.spans().into_iter().filter(|span| span.name == "push");
            let mut traces = pushes.map(|push| collector.of(&push.trace));
            spans = traces.find(|spans| spans.iter().any(is_send)).unwrap_or_default();
        }
        !spans.is_empty()
    })
    .await;
    let node = world.nodes[0].id();
    let send = of(&spans, "WebSocket send", node);
    assert_eq!((send.parent.as_str(), send.attributes["dialect"].as_str()), ("", "webchat"));
    let script = of(&spans, "store message", node);
    assert_eq!((&script.parent, &script.trace), (&send.id, &send.trace));
    assert_eq!(of(&spans, "push", node).parent, script.id);
    world.stop().await;
}

#[tokio::test]
async fn without_its_collector_a_node_serves_and_stops() {
    let world = world(&format!("http://127.0.0.1:{}", free_port()), 1.0).await;
    let (alice, bob) = (world.user(0, "alice").await, world.user(1, "bob").await);
    let group = room_id(alice.make_group(0, "ops", &["bob"]).await);
    let mut socket = world.webchat(1, &bob, "").await;
    for number in 0..20 {
        alice.send(0, &group, &number.to_string()).await;
        socket.next().await;
    }
    world.stop().await;
}
