//! Slow clients: they delay nobody, cost little, and receive everything in order or are asked to reconnect.

use crate::bad_frames::{ALL, Dialect};
use crate::process::{Process, external, token};
use crate::raw_socket::{Incoming, RawSocket};
use crate::support::{World, client, eventually, scratch, shared_redis};

/// Room 1, which everyone is a member of.
const GLOBAL: u64 = 1;
/// The maximum number of sends in flight.
const WINDOW: usize = 20;

/// A message of at least 1 KB that begins with its number.
fn content(number: usize) -> String {
    format!("#{number}#{}", "x".repeat(1200))
}

fn number_of(content: &str) -> usize {
    content.split('#').nth(1).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{content:.80}"))
}

/// Sends numbered messages and waits until all were pushed back.
async fn send_all(sender: &mut RawSocket, room: u64, numbers: std::ops::Range<usize>) {
    let (mut sent, end) = (numbers.start, numbers.end);
    for number in numbers {
        while sent < end && sent < number + WINDOW {
            sender.send_text(&Dialect::Webchat.say(room, &content(sent)).to_string()).await;
            sent += 1;
        }
        let Incoming::Text(frame) = sender.next().await else { panic!("the sender is closed") };
        assert_eq!(Dialect::Webchat.content(&frame).map(number_of), Some(number), "{frame}");
    }
}

/// Reads numbered messages, from 0 without a gap. Returns their number, and how the connection ended.
async fn read_all(raw: &mut RawSocket, dialect: Dialect, most: usize) -> (usize, Option<Incoming>) {
    let mut count = 0;
    while count < most {
        match next_number(raw, dialect).await {
            Ok(number) => assert_eq!(number, count, "{dialect:?}"),
            Err(end) => return (count, Some(end)),
        }
        count += 1;
    }
    (count, None)
}

/// The number of the next message. System messages, receipts and presence are skipped.
async fn next_number(raw: &mut RawSocket, dialect: Dialect) -> Result<usize, Incoming> {
    loop {
        match raw.next().await {
            Incoming::Text(frame) => {
                if let Some(content) = dialect.content(&frame).filter(|content| content.starts_with('#')) {
                    return Ok(number_of(content));
                }
            }
            end => return Err(end),
        }
    }
}

async fn narrow(base: &str, token: &str, dialect: Dialect) -> RawSocket {
    dialect.open_over(RawSocket::connect_narrow(base).await, token).await
}

/// How many times sockets of a node began to lag so far.
async fn times_lagged(world: &World, node: usize) -> usize {
    let answer = world.client.get(world.url(node, "/metrics")).send().await.expect("answered");
    let text = answer.text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix("chinwag_sockets_lagging_total "));
    line.and_then(|count| count.parse().ok()).expect("a count")
}

#[tokio::test]
async fn a_slow_reader_is_left_behind_and_catches_up_completely() {
    const MESSAGES: usize = 700;
    let world = World::start_with(2, shared_redis(), |config| config.limits.enabled = false).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(0, "Bob").await);
    let group = alice.make_group(0, "slow", &["Bob"]).await;
    let mut sender = Dialect::Webchat.open(&world.base(0), &alice.token).await;
    let mut slow = Vec::new();
    for dialect in ALL {
        slow.push((dialect, narrow(&world.base(1), &bob.token, dialect).await));
    }
    let mut quick = Dialect::Envelope.open(&world.base(1), &bob.token).await;

    let (_, (count, _)) =
        tokio::join!(send_all(&mut sender, group, 0..MESSAGES), read_all(&mut quick, Dialect::Envelope, MESSAGES));
    assert_eq!(count, MESSAGES);
    // Queues and kernel buffers hold less than what they missed: the rest is read from the stream.
    for (dialect, raw) in &mut slow {
        assert_eq!(read_all(raw, *dialect, MESSAGES).await, (MESSAGES, None), "{dialect:?}");
    }
    assert!(times_lagged(&world, 1).await >= ALL.len(), "nobody was behind");

    // They receive like any other socket again.
    send_all(&mut sender, group, MESSAGES..MESSAGES + 1).await;
    for (dialect, raw) in &mut slow {
        assert_eq!(next_number(raw, *dialect).await, Ok(MESSAGES), "{dialect:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn who_is_behind_what_is_kept_is_told_to_come_back() {
    let change = |config: &mut chinwag::config::Config| {
        config.limits.enabled = false;
        config.messages.max_per_room = 50;
    };
    let world = World::start_with(1, shared_redis(), change).await;
    let (alice, bob) = (world.user(0, "Alice").await, world.user(0, "Bob").await);
    let group = alice.make_group(0, "slow", &["Bob"]).await;
    let mut sender = Dialect::Webchat.open(&world.base(0), &alice.token).await;
    for dialect in ALL {
        let mut slow = narrow(&world.base(0), &bob.token, dialect).await;
        send_all(&mut sender, group, 0..900).await;
        let (count, end) = read_all(&mut slow, dialect, 900).await;
        assert!(count < 900, "{dialect:?} was never behind");
        assert!(matches!(end, Some(Incoming::Close(Some(1013), _))), "{dialect:?} after {count}: {end:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn who_never_reads_is_closed_in_time_and_leaves_nothing_open() {
    let (client, folder) = (client(), scratch());
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_LIMITS__ENABLED", "false".to_owned()));
    environment.push(("CHINWAG_LIMITS__BEHIND_SECS", "1".to_owned()));
    let node = Process::start(&environment, &folder).ready(&client).await;
    let (alice, bob) = (token(&client, &node.base, "Alice").await, token(&client, &node.base, "Bob").await);
    let mut sender = Dialect::Webchat.open(&node.base, &alice).await;
    send_all(&mut sender, GLOBAL, 0..1).await;
    let before = node.open_files();
    let mut slow = Vec::new();
    for dialect in ALL.into_iter().cycle().take(30) {
        slow.push((dialect, narrow(&node.base, &bob, dialect).await));
    }
    assert!(node.open_files() >= before + slow.len());

    send_all(&mut sender, GLOBAL, 0..600).await;
    // HTTP clients may open and close pooled connections.
    eventually("their connections are closed", async || node.open_files() <= before + 5).await;

    for (dialect, raw) in &mut slow {
        let (count, end) = read_all(raw, *dialect, 600).await;
        assert!(count < 600 && matches!(end, Some(Incoming::End | Incoming::Close(Some(1013), _))), "{count} {end:?}");
    }
    send_all(&mut sender, GLOBAL, 0..1).await;
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

/// Opens sockets of which a quarter stops reading, while the others receive everything.
async fn crowd(sockets: usize) {
    const MESSAGES: usize = 400;
    /// Memory of shared frames, and of the queue of each slow socket: 004 has frames of its own for each viewer.
    const MAX_SHARED: u64 = 64 * 1024 * 1024;
    const MAX_QUEUED: u64 = 256 * 1024;
    let (client, folder) = (client(), scratch());
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_LIMITS__ENABLED", "false".to_owned()));
    environment.push(("CHINWAG_LIMITS__BEHIND_SECS", "600".to_owned()));
    let node = Process::start(&environment, &folder).ready(&client).await;
    let (alice, bob) = (token(&client, &node.base, "Alice").await, token(&client, &node.base, "Bob").await);
    let mut sender = Dialect::Webchat.open(&node.base, &alice).await;
    let (mut slow, mut quick) = (Vec::new(), Vec::new());
    for (number, dialect) in ALL.into_iter().cycle().take(sockets).enumerate() {
        match number % 4 {
            0 => slow.push((dialect, narrow(&node.base, &bob, dialect).await)),
            _ => quick.push(dialect.open(&node.base, &bob).await),
        }
    }
    let before = node.memory();

    let readers: Vec<_> = quick
        .into_iter()
        .map(|mut raw| {
            tokio::spawn(async move {
                for number in 0..MESSAGES {
                    let mark = format!("#{number}#");
                    loop {
                        let text = raw.next_text().await.expect("still open");
                        if text.contains(&mark) {
                            break;
                        }
                        assert!(!text.contains("xxxx"), "{text:.80} instead of {mark}");
                    }
                }
            })
        })
        .collect();
    send_all(&mut sender, GLOBAL, 0..MESSAGES).await;
    for reader in readers {
        reader.await.expect("everything came in order");
    }
    let growth = node.memory().saturating_sub(before);
    assert!(
        growth < MAX_SHARED + slow.len() as u64 * MAX_QUEUED,
        "{} MiB more than {} MiB",
        growth >> 20,
        before >> 20
    );

    for (dialect, raw) in &mut slow {
        let (count, end) = read_all(raw, *dialect, MESSAGES).await;
        let is_told = matches!(end, Some(Incoming::Close(Some(1013), _)));
        assert!(count == MESSAGES || is_told, "{dialect:?} after {count}: {end:?}");
    }
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[tokio::test]
async fn hundreds_who_stop_reading_delay_nobody() {
    crowd(800).await;
}

#[tokio::test]
#[ignore = "needs 20,000 open files; run it with --ignored after a change in the fan-out"]
async fn thousands_who_stop_reading_delay_nobody() {
    crowd(5000).await;
}
