//! What the file store of a world has: a folder, or a part of a bucket.

use crate::support::{World, bucket};

/// The number of files that belong to messages.
pub async fn files(world: &World) -> usize {
    if bucket().is_none() {
        let folder = world.folder().join("uploads/chat");
        return std::fs::read_dir(folder).map_or(0, |entries| entries.count());
    }
    let listed = ask(world, &format!("?list-type=2&prefix={}/chat/", prefix(world))).await;
    listed.matches("<Key>").count()
}

/// Whether there is a file at this path, whatever Redis knows of it.
pub async fn is_stored(world: &World, path: &str) -> bool {
    let path = path.trim_start_matches("/uploads/");
    if bucket().is_none() {
        return world.folder().join("uploads").join(path).exists();
    }
    let listed = ask(world, &format!("?list-type=2&prefix={}/{path}", prefix(world))).await;
    listed.contains("<Key>")
}

/// The number of uploads in parts that are not finished.
pub async fn unfinished(world: &World) -> usize {
    let listed = ask(world, &format!("?uploads&prefix={}/", prefix(world))).await;
    listed.matches("<UploadId>").count()
}

/// What the bucket has of a world begins with this.
fn prefix(world: &World) -> &str {
    world.config.uploads.url.rsplit('/').next().expect("a name")
}

/// Asks the server of the bucket, which believes everybody who only lists.
async fn ask(world: &World, query: &str) -> String {
    let server = std::env::var("AWS_ENDPOINT_URL").expect("the server of the bucket");
    let bucket = bucket().expect("a bucket").replace("s3://", "");
    let answer = world.client.get(format!("{server}/{bucket}{query}")).send().await.expect("answered");
    assert!(answer.status().is_success(), "{query}: {}", answer.status());
    answer.text().await.expect("a body")
}
