//! Document 003's JavaScript class, unmodified, under Node.js.

use std::process::{Command, Output};

use crate::support::World;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/js/chatapi.mjs");

#[tokio::test]
async fn the_chatapi_class_works_over_two_nodes() {
    let world = World::start(2).await;
    let mut node = Command::new("node");
    node.arg(SCRIPT).args([world.url(0, ""), world.url(1, "")]);

    let running = tokio::task::spawn_blocking(move || node.output());
    let Output { status, stdout, stderr } = running.await.expect("no panic").expect("node is installed");

    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let verdict = said.lines().last().unwrap_or_default();
    assert!(status.success() && verdict.ends_with(" passed, 0 failed"), "{said}");
    assert_ne!(verdict, "0 passed, 0 failed");
    world.stop().await;
}
