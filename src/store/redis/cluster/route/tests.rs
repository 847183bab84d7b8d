//! What shards are sent when some of them redirect, refuse or do not answer.

use std::sync::Mutex;

use futures_util::FutureExt;

use super::super::slots::slot_of_key;
use super::*;

/// A shard is named by its port: the first has the slot of `a`, the second that of `b`, nobody that of `c`.
const FIRST: u16 = 1;
const SECOND: u16 = 2;

fn at(port: u16) -> Address {
    ("127.0.0.1".to_owned(), port)
}

fn cluster() -> Arc<Cluster> {
    let slots = ["a", "b", "c"].map(|key| slot_of_key(key.as_bytes()));
    assert_eq!(slots, [15495, 3300, 7365]);
    Cluster::of_ranges(&[(10_000, 16_383, at(FIRST)), (0, 5_000, at(SECOND))])
}

/// What was sent to which shard, and what shards answer to a command that was sent to them so many times before.
struct Shards<A> {
    sent: Mutex<Vec<(u16, String)>>,
    answer: A,
}

impl<A: Fn(u16, &str, usize) -> Option<&'static str> + Sync> Shards<A> {
    fn new(answer: A) -> Self {
        Self { sent: Mutex::default(), answer }
    }

    fn sent(&self) -> Vec<(u16, String)> {
        self.sent.lock().expect("no panic while held").clone()
    }
}

impl<A: Fn(u16, &str, usize) -> Option<&'static str> + Sync> SendToShard for Shards<A> {
    fn send(&self, shard: &Arc<Shard>, commands: Vec<Cmd>) -> BoxFuture<'_, Result<Vec<Value>>> {
        let port = shard.address.1;
        let mut sent = self.sent.lock().expect("no panic while held");
        let mut replies = Vec::new();
        for command in commands {
            let words = command.args_iter().map(|word| match word {
                redis::Arg::Simple(word) => String::from_utf8_lossy(word).into_owned(),
                _ => String::new(),
            });
            let line = words.collect::<Vec<_>>().join(" ");
            let before = sent.iter().filter(|(to, other)| *to == port && *other == line).count();
            sent.push((port, line.clone()));
            replies.push((self.answer)(port, &line, before));
        }
        let unavailable = || Error::Unavailable("the connection ended".into());
        let replies = replies.into_iter().map(|reply| Ok(parse(reply.ok_or_else(unavailable)?))).collect();
        async move { replies }.boxed()
    }
}

fn parse(reply: &str) -> Value {
    redis::parse_redis_value(format!("{reply}\r\n").as_bytes()).expect("a reply")
}

fn commands(lines: &[&str]) -> Vec<Cmd> {
    let command = |line: &&str| {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().expect("a name"));
        words.for_each(|word| {
            command.arg(word);
        });
        command
    };
    lines.iter().map(command).collect()
}

/// Replies as one looks at them: errors by their codes.
fn texts(replies: Vec<Value>) -> Vec<String> {
    let text = |reply| match reply {
        Value::ServerError(error) => error.code().to_owned(),
        Value::Okay => "OK".to_owned(),
        other => format!("{other:?}"),
    };
    replies.into_iter().map(text).collect()
}

fn lines(sent: &[(u16, &str)]) -> Vec<(u16, String)> {
    sent.iter().map(|(port, line)| (*port, (*line).to_owned())).collect()
}

#[tokio::test]
async fn a_write_whose_outcome_is_unknown_is_not_repeated_and_fails_alone() {
    let shards = Shards::new(|port, _, _| (port == SECOND).then_some("+OK"));
    let replies = route(&cluster(), &commands(&["SET a 1", "SET b 1"]), &shards).await.expect("replies");
    assert_eq!(texts(replies), ["CLUSTERDOWN", "OK"]);
    assert_eq!(shards.sent(), lines(&[(FIRST, "SET a 1"), (SECOND, "SET b 1")]));
}

#[tokio::test]
async fn commands_of_a_slot_without_an_owner_fail_alone() {
    let shards = Shards::new(|_, _, _| Some("+OK"));
    let cluster = cluster();
    let some = commands(&["SET c 1", "SET a 1", "TIME", "SET c 2", "SET b 1"]);
    let replies = route(&cluster, &some, &shards).await.expect("replies");
    let replies: Vec<_> = replies.into_iter().map(refuse_error).collect();
    let kinds: Vec<_> = replies.iter().map(|reply| reply.as_ref().err().map(Error::kind)).collect();
    let unavailable = Some(Kind::Unavailable);
    assert_eq!(kinds, [unavailable, None, None, unavailable, None]);
    assert_eq!(shards.sent(), lines(&[(FIRST, "SET a 1"), (FIRST, "TIME"), (SECOND, "SET b 1")]));
    // Alone as well, and what must not run before it does not run.
    let alone = route(&cluster, &commands(&["SET c 3"]), &shards).await.expect("replies");
    assert_eq!(texts(alone), ["CLUSTERDOWN"]);
    let outcome = route_in_order(&cluster, &[&commands(&["SET c 3"]), &commands(&["SET a 3"])], &shards).await;
    assert_eq!(outcome.map_err(|error| error.kind()).err(), unavailable);
    assert_eq!(shards.sent().len(), 3, "nothing else was sent");
}

#[tokio::test]
async fn a_moved_slot_is_followed_for_good() {
    let shards = Shards::new(|port, line, _| match (port, line.ends_with("a 1")) {
        (FIRST, true) => Some("-MOVED 15495 127.0.0.1:2"),
        _ => Some("+OK"),
    });
    let cluster = cluster();
    for _ in 0..2 {
        let replies = route(&cluster, &commands(&["SET a 1", "SET {a}: 2"]), &shards).await.expect("replies");
        assert_eq!(texts(replies), ["OK", "OK"]);
    }
    let once = [(FIRST, "SET a 1"), (FIRST, "SET {a}: 2"), (SECOND, "SET a 1")];
    let then = [(SECOND, "SET a 1"), (SECOND, "SET {a}: 2")];
    assert_eq!(shards.sent(), lines(&[&once[..], &then].concat()));
}

#[tokio::test]
async fn each_command_that_is_sent_on_is_announced_and_later_ones_are_not() {
    let shards = Shards::new(|port, line, _| match (port, line) {
        (FIRST, "SET a 1" | "SET {a}: 3") => Some("-ASK 15495 127.0.0.1:3"),
        _ => Some("+OK"),
    });
    let some = commands(&["SET a 1", "SET a 2", "SET {a}: 3"]);
    let cluster = cluster();
    for _ in 0..2 {
        assert_eq!(texts(route(&cluster, &some, &shards).await.expect("replies")), ["OK", "OK", "OK"]);
    }
    let refused = [(FIRST, "SET a 1"), (FIRST, "SET a 2"), (FIRST, "SET {a}: 3")];
    let asked = [(3, "ASKING"), (3, "SET a 1"), (3, "ASKING"), (3, "SET {a}: 3")];
    assert_eq!(shards.sent(), lines(&[&refused[..], &asked, &refused, &asked].concat()));
}

#[tokio::test]
async fn what_is_to_be_tried_again_is_sent_until_it_is_taken() {
    let shards = Shards::new(|port, _, before| match (port, before) {
        (FIRST, 0..6) => Some("-TRYAGAIN Multiple keys request during rehashing of slot"),
        _ => Some("+OK"),
    });
    let replies = route(&cluster(), &commands(&["SET a 1", "SET b 1"]), &shards).await.expect("replies");
    assert_eq!(texts(replies), ["OK", "OK"]);
    let sent = shards.sent();
    assert_eq!((sent.iter().filter(|(port, _)| *port == FIRST).count(), sent.len()), (7, 8));
}

#[tokio::test]
async fn shards_that_name_each_other_make_commands_fail_in_time() {
    let shards = Shards::new(|port, _, _| match port {
        FIRST => Some("-MOVED 15495 127.0.0.1:2"),
        _ => Some("-MOVED 15495 127.0.0.1:1"),
    });
    let replies = route(&cluster(), &commands(&["SET a 1"]), &shards).await.expect("replies");
    let outcome = replies.into_iter().map(refuse_error).collect::<Result<Vec<_>>>();
    assert_eq!(outcome.map_err(|error| error.kind()), Err(Kind::Unavailable));
    let sent = shards.sent().len();
    assert!((5..60).contains(&sent), "{sent}");
}

#[tokio::test]
async fn a_group_waits_for_the_one_before_and_for_its_success() {
    let ask = |outcome: Option<&'static str>| async move {
        let shards = Shards::new(move |port, _, _| if port == FIRST { outcome } else { Some("+OK") });
        let groups = [commands(&["SET a 1", "SET b 1"]), commands(&["SET b 2"])];
        let outcome = route_in_order(&cluster(), &[&groups[0], &groups[1]], &shards).await;
        (outcome.map(texts).map_err(|error| error.kind()), shards.sent().len())
    };
    let ok = ["OK"; 3].map(str::to_owned).to_vec();
    assert_eq!(ask(Some("+OK")).await, (Ok(ok), 3));
    assert_eq!(ask(None).await, (Err(Kind::Unavailable), 2));
    assert_eq!(ask(Some("-OOM no memory")).await.1, 2);
    assert_eq!(ask(Some("-NOSCRIPT No matching script.")).await.1, 3, "the caller sends its source");
}
