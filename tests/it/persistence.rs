//! Warnings of a node about a Redis that may lose its data.

use crate::process::{Process, external};
use crate::support::{Redis, client, scratch};

#[tokio::test]
async fn a_redis_that_keeps_nothing_on_disk_is_named_in_the_log() {
    const WARNING: &str = "Redis keeps nothing on disk";
    const UNKNOWN: &str = "cannot find out whether Redis";
    let (client, folder) = (client(), scratch());
    let data = folder.to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 4] = [
        (&[], WARNING),
        (&["--save", "3600 1"], ""),
        (&["--appendonly", "yes"], ""),
        (&["--rename-command", "CONFIG", ""], UNKNOWN),
    ];
    for (arguments, expected) in cases {
        let redis = Redis::start(&[&["--dir", &data], arguments].concat());
        let node = Process::start(&external(&redis.url()), &folder).ready(&client).await;
        let told = [WARNING, UNKNOWN].into_iter().filter(|text| node.log().contains(text)).collect::<String>();
        assert_eq!(told, expected, "{arguments:?}");
    }
}
