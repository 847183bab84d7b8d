//! Clients that take their messages too slowly: they delay nobody, cost little, and get everything in order or are
//! told to come back.

use crate::bad_frames::{ALL, Speaks};
use crate::process::{Process, external, token};
use crate::raw_socket::{Heard, RawSocket};
use crate::support::{World, client, eventually, scratch, shared_redis};

/// Room 1, which has everyone.
const GLOBAL: u64 = 1;
/// Sends that may be under way.
const WINDOW: usize = 20;

/// A message of at least 1 KB with its number in front.
fn content(number: usize) -> String {
    format!("#{number}#{}", "x".repeat(1200))
}

fn number_of(content: &str) -> usize {
    content.split('#').nth(1).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{content:.80}"))
}

/// Sends numbered messages and waits until all have come back.
async fn send_all(sender: &mut RawSocket, room: u64, numbers: std::ops::Range<usize>) {
    let (mut sent, end) = (numbers.start, numbers.end);
    for number in numbers {
        while sent < end && sent < number + WINDOW {
            sender.send_text(&Speaks::Webchat.say(room, &content(sent)).to_string()).await;
            sent += 1;
        }
        let Heard::Text(frame) = sender.next().await else { panic!("the sender is closed") };
        assert_eq!(Speaks::Webchat.content(&frame).map(number_of), Some(number), "{frame}");
    }
}

/// Reads numbered messages for as long as they come. Returns how many, from 0 on without a gap, and the end.
async fn read_all(raw: &mut RawSocket, speaks: Speaks, most: usize) -> (usize, Option<Heard>) {
    let mut count = 0;
    while count < most {
        match next_number(raw, speaks).await {
            Ok(number) => assert_eq!(number, count, "{speaks:?}"),
            Err(end) => return (count, Some(end)),
        }
        count += 1;
    }
    (count, None)
}

/// The next message of ours; system messages, receipts and presence, for those who see them, are passed over.
async fn next_number(raw: &mut RawSocket, speaks: Speaks) -> Result<usize, Heard> {
    loop {
        match raw.next().await {
            Heard::Text(frame) => {
                if let Some(content) = speaks.content(&frame).filter(|content| content.starts_with('#')) {
                    return Ok(number_of(content));
                }
            }
            end => return Err(end),
        }
    }
}

async fn narrow(base: &str, token: &str, speaks: Speaks) -> RawSocket {
    speaks.open_over(RawSocket::connect_narrow(base).await, token).await
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
    let mut sender = Speaks::Webchat.open(&world.base(0), &alice.token).await;
    let mut slow = Vec::new();
    for speaks in ALL {
        slow.push((speaks, narrow(&world.base(1), &bob.token, speaks).await));
    }
    let mut quick = Speaks::Envelope.open(&world.base(1), &bob.token).await;

    let (_, (count, _)) =
        tokio::join!(send_all(&mut sender, group, 0..MESSAGES), read_all(&mut quick, Speaks::Envelope, MESSAGES));
    assert_eq!(count, MESSAGES);
    // What is queued and in the kernel's buffers is less than what they miss: the rest is read for them.
    for (speaks, raw) in &mut slow {
        assert_eq!(read_all(raw, *speaks, MESSAGES).await, (MESSAGES, None), "{speaks:?}");
    }
    assert!(times_lagged(&world, 1).await >= ALL.len(), "nobody was behind");

    // They are as good as any other again.
    send_all(&mut sender, group, MESSAGES..MESSAGES + 1).await;
    for (speaks, raw) in &mut slow {
        assert_eq!(next_number(raw, *speaks).await, Ok(MESSAGES), "{speaks:?}");
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
    let mut sender = Speaks::Webchat.open(&world.base(0), &alice.token).await;
    for speaks in ALL {
        let mut slow = narrow(&world.base(0), &bob.token, speaks).await;
        send_all(&mut sender, group, 0..900).await;
        let (count, end) = read_all(&mut slow, speaks, 900).await;
        assert!(count < 900, "{speaks:?} was never behind");
        assert!(matches!(end, Some(Heard::Close(Some(1013), _))), "{speaks:?} after {count}: {end:?}");
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
    let mut sender = Speaks::Webchat.open(&node.base, &alice).await;
    send_all(&mut sender, GLOBAL, 0..1).await;
    let before = node.open_files();
    let mut slow = Vec::new();
    for speaks in ALL.into_iter().cycle().take(30) {
        slow.push((speaks, narrow(&node.base, &bob, speaks).await));
    }
    assert!(node.open_files() >= before + slow.len());

    send_all(&mut sender, GLOBAL, 0..600).await;
    // Pooled connections of clients may come and go.
    eventually("their connections are closed", async || node.open_files() <= before + 5).await;

    for (speaks, raw) in &mut slow {
        let (count, end) = read_all(raw, *speaks, 600).await;
        assert!(count < 600 && matches!(end, Some(Heard::End | Heard::Close(Some(1013), _))), "{count} {end:?}");
    }
    send_all(&mut sender, GLOBAL, 0..1).await;
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

/// A quarter of these stop reading while the others get everything.
async fn crowd(sockets: usize) {
    const MESSAGES: usize = 400;
    /// What all share, and the queue of each that is slow: 004's frames are each viewer's own.
    const MAX_SHARED: u64 = 64 * 1024 * 1024;
    const MAX_QUEUED: u64 = 256 * 1024;
    let (client, folder) = (client(), scratch());
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_LIMITS__ENABLED", "false".to_owned()));
    environment.push(("CHINWAG_LIMITS__BEHIND_SECS", "600".to_owned()));
    let node = Process::start(&environment, &folder).ready(&client).await;
    let (alice, bob) = (token(&client, &node.base, "Alice").await, token(&client, &node.base, "Bob").await);
    let mut sender = Speaks::Webchat.open(&node.base, &alice).await;
    let (mut slow, mut quick) = (Vec::new(), Vec::new());
    for (number, speaks) in ALL.into_iter().cycle().take(sockets).enumerate() {
        match number % 4 {
            0 => slow.push((speaks, narrow(&node.base, &bob, speaks).await)),
            _ => quick.push(speaks.open(&node.base, &bob).await),
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

    for (speaks, raw) in &mut slow {
        let (count, end) = read_all(raw, *speaks, MESSAGES).await;
        let is_told = matches!(end, Some(Heard::Close(Some(1013), _)));
        assert!(count == MESSAGES || is_told, "{speaks:?} after {count}: {end:?}");
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
