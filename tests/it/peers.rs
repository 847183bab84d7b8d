//! Nodes on one Redis compare their settings when they start.

use chinwag::config::Config;
use chinwag::node::Node;

use crate::process::{Process, Starting, external};
use crate::support::{World, client, scratch, shared_redis};

const REPORT_MS: u64 = 100;

/// A node that reports often.
async fn world() -> World {
    World::start_with(1, shared_redis(), |config| config.stats.report_ms = REPORT_MS).await
}

/// The reason why a node with these settings does not start.
async fn refusal(config: Config) -> String {
    match Node::start(config).await {
        Ok(_) => panic!("it starts"),
        Err(error) => error.to_string(),
    }
}

fn secret(text: &str) -> secrecy::SecretString {
    text.repeat(4).into()
}

#[tokio::test]
async fn a_node_with_another_secret_is_refused_until_the_others_have_stopped() {
    let mut world = world().await;
    let mut other = world.config.clone();
    other.auth.jwt_secret = secret("another secret");
    let reason = refusal(other.clone()).await;
    assert!(reason.contains("auth.jwt_secret") && reason.contains(world.nodes[0].id()), "{reason}");
    assert!(reason.contains(&world.nodes[0].address().to_string()) && !reason.contains('\n'), "{reason}");
    // The refused one has left nothing that would refuse others.
    world.add_node().await;

    for node in world.nodes.drain(..) {
        node.stop().await;
    }
    world.config = other;
    world.add_node().await;
    world.stop().await;
}

#[tokio::test]
async fn a_secret_is_rotated_node_by_node() {
    let mut world = world().await;
    let (old, new) = (world.config.auth.jwt_secret.clone(), secret("a new secret"));
    let steps = [(old.clone(), new.clone()), (new.clone(), old), (new, String::new().into())];
    for (signing, previous) in steps {
        world.config.auth.jwt_secret = signing;
        world.config.auth.jwt_secret_previous = previous;
        world.add_node().await;
        world.nodes.remove(0).stop().await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_node_with_an_uploads_folder_of_its_own_is_refused() {
    let world = world().await;
    let mut other = world.config.clone();
    other.data.dir = scratch();
    let reason = refusal(other.clone()).await;
    assert!(reason.contains("uploads.url") && !reason.contains('\n'), "{reason}");
    // Another path to the same folder is the same store.
    let link = other.data.dir.join("link");
    std::os::unix::fs::symlink(world.folder().join("uploads"), &link).expect("linked");
    other.uploads.url = format!("file://{}", link.display());
    Node::start(other.clone()).await.expect("it starts").stop().await;
    // Uploads may move to another address while nodes are restarted one after the other.
    other.uploads.url = format!("file://{}", scratch().display());
    Node::start(other).await.expect("it starts").stop().await;
    world.stop().await;
}

#[tokio::test]
async fn of_nodes_with_different_stores_that_start_together_one_runs() {
    let config = World::start_with(0, shared_redis(), |config| config.stats.report_ms = REPORT_MS).await.config;
    let start = async || {
        let mut config = config.clone();
        config.data.dir = scratch();
        Node::start(config).await
    };
    let (first, second) = futures_util::future::join(start(), start()).await;
    assert_ne!(first.is_ok(), second.is_ok());
    for node in [first, second].into_iter().flatten() {
        node.stop().await;
    }
}

#[tokio::test]
async fn the_row_of_a_killed_node_refuses_nobody() {
    let (client, mut environment) = (client(), external(shared_redis()));
    let killed = Process::start(&environment, &scratch()).ready(&client).await;
    drop(killed);
    environment.push(("CHINWAG_AUTH__JWT_SECRET", "another secret".repeat(4)));
    let next = Starting::here(&environment, &scratch());
    next.says("checking whether a node with other settings still runs").await;
    let next = next.listening().ready(&client).await;

    environment.push(("CHINWAG_AUTH__JWT_SECRET", "a third secret".repeat(4)));
    let (code, log) = Starting::here(&environment, &scratch()).ended();
    assert_eq!(code, Some(2), "{log}");
    assert!(log.contains("\"message\":\"auth.jwt_secret differs"), "{log}");
    drop(next);
}
