//! The documents of the APIs, and the pages that show them, which lie on the origin of the tokens.

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::World;

#[tokio::test]
async fn the_documentation_runs_no_foreign_script() {
    let world = World::start(1).await;
    for path in ["/docs/", "/docs/index.html", "/docs/swagger-initializer.js", "/docs/swagger-ui.css", "/docs/sockets"]
    {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src"));
        assert!(scripts.is_none_or(|scripts| scripts.trim() == "script-src 'self'"), "{path}: {policy}");
        let html = answer.text().await.expect("a body");
        let is_inline = html.contains("<script>") || html.contains("onload=") || html.contains("onclick=");
        assert!(!path.ends_with("html") || !is_inline, "{path}");
    }
    let answer = world.client.get(world.url(0, "/docs/nothing-here")).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer = world.client.get(world.url(0, "/openapi.json")).send().await.expect("answered");
    assert!(answer.json::<Value>().await.expect("JSON")["paths"].is_object());
    world.stop().await;
}

/// What the limits, the store and the parser of bodies answer to any request is documented for each route, in the form of
/// its dialect.
#[test]
fn every_route_documents_what_any_may_answer() {
    let document = serde_json::to_value(chinwag::node::openapi()).expect("JSON");
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            operations += 1;
            let answers = &operation["responses"];
            let form = |status: &str| &answers[status]["content"]["application/json"]["schema"];
            let refusal = if answers["401"].is_object() { form("401") } else { form("400") };
            let with_body = operation["requestBody"].is_object().then_some(["413", "415"]);
            for status in ["429", "503"].into_iter().chain(with_body.into_iter().flatten()) {
                assert!(refusal.is_object() && form(status) == refusal, "{method} {path}: {status}");
            }
        }
    }
    assert!(operations >= 45, "{operations} operations");
}
