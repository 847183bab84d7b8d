//! What only a bucket has. `scripts/test-s3` plays this, and the other tests of uploads, with one.

use std::io::Write;
use std::net::TcpStream;

use super::stored::{files, unfinished};
use super::upload;
use crate::support::{User, World, eventually, ok};

const MIB: usize = 1024 * 1024;

/// Lines that all differ.
fn text(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 32);
    for line in 0.. {
        text += &format!("line {line}\n");
        if text.len() >= bytes {
            break;
        }
    }
    text.truncate(bytes);
    text
}

/// Begins to upload ten megabytes of text, and stops after eight.
fn begin(world: &World, user: &User<'_>) -> TcpStream {
    let mut stream = TcpStream::connect(world.nodes[0].address()).expect("connects");
    let head = format!(
        "POST /api/chat/upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"a.txt\"\r\n\r\n",
        user.token,
        10 * MIB
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(text(8 * MIB).as_bytes()).expect("sent");
    stream
}

#[tokio::test]
#[ignore = "needs a bucket: scripts/test-s3"]
async fn a_file_in_parts_is_whole_and_one_that_breaks_off_leaves_no_part() {
    let world = World::start(2).await;
    let user = world.user(0, "alice").await;
    let text = text(10 * MIB);
    let message = ok(upload(&user, 0, "a.txt", text.clone().into_bytes(), "global").await).await;
    let url = world.url(1, message["file_url"].as_str().expect("an address"));
    assert_eq!(world.client.get(&url).send().await.expect("answered").text().await.expect("a body"), text);
    let part = world.client.get(&url).header("range", "bytes=5242870-5242889").send().await.expect("answered");
    assert_eq!(part.text().await.expect("a body"), text[5_242_870..=5_242_889]);

    let broken_off = begin(&world, &user);
    eventually("it is under way", async || unfinished(&world).await == 1).await;
    drop(broken_off);
    eventually("its parts are gone", async || unfinished(&world).await == 0).await;
    assert_eq!(files(&world).await, 1);
    world.stop().await;
}
