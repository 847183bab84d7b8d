//! Health checks and metrics at an address of their own.

use reqwest::Method;

use crate::support::{World, shared_redis};

async fn status(world: &World, method: Method, url: String) -> u16 {
    world.client.request(method, url).send().await.expect("answered").status().as_u16()
}

#[tokio::test]
async fn metrics_are_at_their_own_address_alone_and_health_checks_at_both() {
    let world =
        World::start_with(1, shared_redis(), |config| config.server.metrics_address = "127.0.0.1:0".to_owned()).await;
    let own = world.nodes[0].metrics_address().expect("an address");
    let at_own = |path: &str| format!("http://{own}{path}");
    for (path, at_main, at_operators) in [
        ("/metrics", 404, 200),
        ("/health/live", 200, 200),
        ("/health/ready", 200, 200),
        ("/api/chat/stats", 401, 404),
        ("/api/v1/auth/login", 405, 404),
        ("/dashboard/figures?range=1h", 401, 404),
        ("/", 200, 404),
    ] {
        assert_eq!(status(&world, Method::GET, world.url(0, path)).await, at_main, "{path}");
        assert_eq!(status(&world, Method::GET, at_own(path)).await, at_operators, "{path}");
    }
    assert_eq!(status(&world, Method::HEAD, at_own("/metrics")).await, 200);
    assert_eq!(status(&world, Method::POST, at_own("/metrics")).await, 405);
    let metrics = world.client.get(at_own("/metrics")).send().await.expect("answered").text().await.expect("text");
    assert!(metrics.contains(r#"chinwag_http_requests_total{dialect="chatroom",status="4xx"} 1"#), "{metrics}");
    world.stop().await;
    assert!(std::net::TcpStream::connect(own).is_err(), "it ends with the node");
}

#[tokio::test]
async fn without_an_address_everything_is_at_the_main_one() {
    let world = World::start(1).await;
    assert_eq!(world.nodes[0].metrics_address(), None);
    assert_eq!(status(&world, Method::GET, world.url(0, "/metrics")).await, 200);
    world.stop().await;
}
