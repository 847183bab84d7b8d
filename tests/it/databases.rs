//! Two installations in two databases of one Redis, with the same prefix, know nothing of each other.

use reqwest::StatusCode;

use crate::support::{Redis, World, eventually};

#[tokio::test]
async fn installations_in_two_databases_do_not_hear_each_other() {
    let redis = Redis::start(&[]);
    let prefix = "cw:".to_owned();
    let zero = World::start_with(1, &redis.url(), |config| config.redis.prefix.clone_from(&prefix)).await;
    let one_url = format!("{}/1", redis.url());
    let one = World::start_with(2, &one_url, |config| config.redis.prefix.clone_from(&prefix)).await;
    // The first user of each has number 1, the global room is the same, and the secrets of tests are, too.
    let (alice, bob) = (zero.user(0, "alice").await, one.user(0, "bob").await);
    let mut heard_in_zero = zero.webchat(0, &alice, "").await;
    let mut heard_in_one = one.webchat(1, &bob, "").await;
    alice.send(0, "global", "in zero").await;
    bob.send(0, "global", "in one").await;
    assert_eq!(heard_in_zero.next().await["payload"]["content"], "in zero");
    assert_eq!(heard_in_one.next().await["payload"]["content"], "in one");
    assert_eq!(alice.texts(0, "").await, ["in zero"]);
    assert_eq!(bob.texts(1, "").await, ["in one"]);

    // A ban ends the tokens of user 1 on every node within a second, in this database alone.
    zero.set_banned("alice", true).await;
    eventually("alice is turned out", async || {
        alice.get(0, "stats").send().await.expect("answered").status() == StatusCode::UNAUTHORIZED
    })
    .await;
    bob.send(0, "global", "still here").await;
    assert_eq!(heard_in_one.next().await["payload"]["content"], "still here");
    zero.stop().await;
    one.stop().await;
}
