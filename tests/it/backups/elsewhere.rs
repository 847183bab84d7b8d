//! Backups of a single server restored to a cluster, and the other way round.

use tokio::task::spawn_blocking;

use super::load::{self, Load};
use super::{elsewhere, lasting_keys, shell, start};
use crate::command_line::Shell;
use crate::redis_cluster::RedisCluster;
use crate::support::{Redis, World};

/// The commands answer through proxies of this process.
async fn run(shell: Shell, arguments: &[&str]) -> (Shell, String) {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let running = spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = shell.ok(&arguments, "");
        (shell, said)
    });
    running.await.expect("it ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_backed_up_under_load_and_may_become_another_server_and_back() {
    let (from, to) = (RedisCluster::start_without_replicas().await, Redis::start(&[]));
    let world = World::start_with(2, &from.url(), |_| {}).await;
    let load = Load::start(&world).await;
    load.has_sent(200).await;
    let acknowledged = load.acknowledged();
    let shell = shell(&world.config);
    let (first, second) = (shell.folder.join("first.backup"), shell.folder.join("second.backup"));
    let (first, second) = (first.to_str().expect("text"), second.to_str().expect("text"));
    let (shell, _) = run(shell, &["backup", first]).await;
    load.stop().await;

    let target = elsewhere(&world.config, &to.url());
    let (target_shell, _) = run(super::shell(&target), &["restore", first]).await;
    let restored = start(&target).await;
    load::assert_has(&restored, &acknowledged).await;
    restored.stop().await;
    std::fs::create_dir_all(&target.data.dir).expect("created");
    run(target_shell, &["backup", second]).await;

    // Back into the cluster, in place of what it has.
    world.stop().await;
    std::fs::create_dir_all(&shell.environment[3].1).expect("created");
    run(shell, &["restore", second, "--replace"]).await;
    let masters: Vec<&Redis> = from.servers.iter().collect();
    let (on_cluster, on_server) =
        (lasting_keys(&masters, &target.redis.prefix), lasting_keys(&[&to], &target.redis.prefix));
    assert_eq!(on_cluster, on_server);
    let back = start(&elsewhere(&target, &from.url())).await;
    load::assert_has(&back, &acknowledged).await;
    back.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_slots_move_no_backup_is_made() {
    let cluster = RedisCluster::start_without_replicas().await;
    let world = World::start_with(1, &cluster.url(), |_| {}).await;
    world.user(0, "alice").await;
    let (from, slot) = (0, cluster.slots_of(0)[0]);
    let id: String = redis::cmd("CLUSTER").arg("MYID").query(&mut cluster.servers[1].connection()).expect("an id");
    let mut begin = redis::cmd("CLUSTER");
    begin.arg("SETSLOT").arg(slot).arg("MIGRATING").arg(id);
    begin.exec(&mut cluster.servers[from].connection()).expect("begun");
    let shell = shell(&world.config);
    let folder = shell.folder.clone();
    let failing = spawn_blocking(move || shell.fails(&["backup", "chat.backup"], "", 1));
    let reason = failing.await.expect("it ends");
    assert!(reason.contains("slots of the cluster are moving"), "{reason}");
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0, "nothing is left");
    world.stop().await;
}
